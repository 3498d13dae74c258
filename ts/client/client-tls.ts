import { misuse } from '../errors/millrace-error.js';
import { defaultTls } from '../pool/default-tls.js';
import { TlsContext } from '../tls/tls-context.js';
import type { TlsClientOptions } from '../tls/tls-options.js';

/** The TLS context of requests that share one: given, or made when the first of them needs it. */
export class ClientTls {
  /** Undefined until `make` has resolved. */
  context: TlsContext | undefined;
  private readonly _options: TlsClientOptions | null;
  private _made: Promise<TlsContext> | undefined;

  constructor(owner: string, given: TlsContext | TlsClientOptions | boolean | null) {
    this._options = typeof given === 'object' ? (given as TlsClientOptions | null) : null;
    if (!(given instanceof TlsContext)) return;
    if (given.kind !== 'client') {
      throw misuse('MILLRACE_INVALID_ARGUMENT', `${owner}: option 'tls' must be a client's context, got a server's`);
    }
    this.context = given;
  }

  async make(): Promise<void> {
    // Those who say nothing of TLS say the same: they share a context, and so may share connections.
    this._made ??=
      this._options === null ? defaultTls() : TlsContext.client({ ALPNProtocols: ['http/1.1'], ...this._options });
    this.context = await this._made;
  }
}
