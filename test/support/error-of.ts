import type { MillraceError } from '../../ts/index.js';

/** What a call threw or rejected with. */
export async function errorOf(call: () => unknown): Promise<MillraceError> {
  try {
    await call();
  } catch (error) {
    return error as MillraceError;
  }
  throw new Error('it was taken');
}
