import { defaultTls } from '../pool/default-tls.js';
import { contextFor } from '../tls/given-context.js';
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
    this.context = contextFor(owner, 'client', given);
  }

  async make(): Promise<void> {
    // Those who say nothing of TLS say the same: they share a context, and so may share connections.
    this._made ??=
      this._options === null ? defaultTls() : TlsContext.client({ ALPNProtocols: ['http/1.1'], ...this._options });
    this.context = await this._made;
  }
}
