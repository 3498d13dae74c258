import { MillraceError } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';

const SYSTEM = 2;

/** Why a connection did not open, as the native core says it. */
export function dialError(code: number, a: number, b: number, detail: string | undefined): MillraceError {
  if (code === SYSTEM) return errorFromNative(code, { errno: a, syscall: 'connect' });
  const error = errorFromNative(code, { value: a, seen: b });
  if (detail === undefined || detail === '') return error;
  return new MillraceError(error.code, `${error.message}: ${detail}`);
}
