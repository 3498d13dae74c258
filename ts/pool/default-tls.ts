import { TlsContext } from '../tls/tls-context.js';

let made: Promise<TlsContext> | undefined;

/**
 * The context of clients, and of connections that are opened for them beforehand, which say nothing of TLS: one for all
 * of the thread. One that could not be made is tried again.
 */
export function defaultTls(): Promise<TlsContext> {
  made ??= TlsContext.client({ ALPNProtocols: ['http/1.1'] }).catch((error: unknown) => {
    made = undefined;
    throw error;
  });
  return made;
}
