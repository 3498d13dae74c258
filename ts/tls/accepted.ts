import { errorFromNative } from '../errors/native-error.js';
import { MillraceError, misuse } from '../errors/millrace-error.js';
import { native } from '../native/loader.js';

/** The answer of the native core, or the error that minus its code stands for. */
export function accepted<T>(answer: T): T {
  if (typeof answer !== 'number' || answer >= 0) return answer;
  const error = errorFromNative(-answer, {});
  const detail = native.tlsDetail();
  if (detail === '') throw error;
  throw error.kind === 'misuse'
    ? misuse(error.code, `${error.message}: ${detail}`)
    : new MillraceError(error.code, `${error.message}: ${detail}`);
}
