import { abortError } from '../errors/abort-error.js';
import { serverContextOf } from '../tls/given-context.js';
import type { TlsContext } from '../tls/tls-context.js';

/** What listens, and says when it does no more. */
interface Listening {
  once(event: 'close', listener: () => void): unknown;
  destroy(): void;
}

/**
 * Makes what listens for `caller`, with the TLS context of its option `tls`: one that was made for it alone ends with it, and
 * with it what refreshes CRLs and OCSP responses. It is destroyed when the signal is aborted.
 */
export async function listening<T extends Listening>(
  caller: string,
  { tls, signal }: { readonly tls: object | null; readonly signal: AbortSignal | null },
  make: (tls: TlsContext | null) => Promise<T>,
): Promise<T> {
  if (signal?.aborted === true) throw abortError(signal);
  // What is plain loads nothing of TLS.
  const context = tls === null ? null : await serverContextOf(caller, tls);
  const own = context === tls ? null : context;
  let made: T;
  try {
    made = await make(context);
  } catch (error) {
    own?.close();
    throw error;
  }
  made.once('close', () => own?.close());
  if (signal !== null) {
    if (signal.aborted) {
      made.destroy();
      throw abortError(signal);
    }
    const onAbort = (): void => made.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    made.once('close', () => signal.removeEventListener('abort', onAbort));
  }
  return made;
}
