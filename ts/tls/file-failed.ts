import { quote } from '../errors/escape.js';
import { MillraceError } from '../errors/millrace-error.js';

/** The longest name of a file that is shown. */
const MAX_SHOWN = 1_024;

/** Looks like the bytes of a certificate or a key (a SEQUENCE of DER) in Base64. */
const BASE64 = /^MI[\w+/-]{40,}=*$/;

/**
 * A file that an option names, and that the system does not let us read. What has line ends, is very long or Base64 is no
 * name but what was to be in the file, a key perhaps: it is not shown, nor is Node's error, which quotes it.
 */
export function fileFailed(where: string, file: string | URL, cause: unknown, what = 'read'): MillraceError {
  const name = String(file);
  const { code, errno, syscall } = cause as Partial<NodeJS.ErrnoException>;
  if (/[\r\n]/.test(name) || name.length > MAX_SHOWN || BASE64.test(name)) {
    const message = `${where} is neither PEM nor the name of a file: a text of ${name.length} characters`;
    return new MillraceError('MILLRACE_TLS_FILE_FAILED', message);
  }
  const why = code ?? (cause instanceof Error ? cause.message : String(cause));
  return new MillraceError(
    'MILLRACE_TLS_FILE_FAILED',
    `${where} names a file that cannot be ${what}, ${quote(name, MAX_SHOWN)}: ${why}`,
    {
      cause,
      ...(typeof errno === 'number' ? { errno } : null),
      ...(typeof syscall === 'string' ? { syscall } : null),
    },
  );
}
