import { misuse } from '../errors/millrace-error.js';
import { TlsContext } from './tls-context.js';
import type { TlsClientOptions } from './tls-options.js';

/** The context, which was given as the option `tls` of `caller`; throws unless it is of that side. */
export function contextFor(caller: string, side: TlsContext['kind'], tls: TlsContext): TlsContext {
  if (tls.kind === side) return tls;
  const message = `${caller}: option 'tls' must be a ${side}'s context, got a ${tls.kind}'s`;
  throw misuse('MILLRACE_INVALID_ARGUMENT', message);
}

/** What the option `tls` of a server stands for: a context, or the options of one; null: plain connections. */
export async function serverContextOf(caller: string, tls: object | null): Promise<TlsContext | null> {
  if (tls === null) return null;
  if (!(tls instanceof TlsContext)) return TlsContext.server(tls);
  return contextFor(caller, 'server', tls);
}

/** As `serverContextOf`, of a client; `true` is a context with the defaults, `false` none. */
export async function clientContextOf(caller: string, tls: unknown): Promise<TlsContext | null> {
  if (tls === false) return null;
  if (tls === true) return TlsContext.client();
  if (!(tls instanceof TlsContext)) return TlsContext.client(tls as TlsClientOptions);
  return contextFor(caller, 'client', tls);
}
