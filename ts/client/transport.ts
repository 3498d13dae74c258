import { MillraceError } from '../errors/millrace-error.js';
import type { OriginPool } from '../pool/origin-pool.js';
import type { PoolKey } from '../pool/pool-key.js';
import type { ProxyOption } from '../proxy/route.js';
import { environmentProxy } from '../proxy/route.js';
import type { Destination, RequestTarget } from './destination.js';
import { shownUrl } from './destination.js';
import type { Dispatch } from './dispatch.js';
import { DispatchControl, DispatchExchange } from './dispatch.js';
import type { HopExtras, SentBody } from './prepare.js';
import { INFORMED, NO_EXTRAS, plainBody, prepare } from './prepare.js';
import { RequestBody } from './request-body.js';
import type { Recipient, ResponseRules } from './request-exchange.js';
import { RequestExchange } from './request-exchange.js';
import type { RequestOptions } from './request-options.js';
import { checkRequestOptions } from './request-options.js';
import type { Settings } from './settings.js';
import { Timings } from './timings.js';

/** What of a request says to which connections it may go. */
export type ConnectionChoice = Pick<RequestOptions, 'proxy' | 'isolationKey'>;

/** Puts exchanges on connections of the pool: what is beneath a client, unless a function stands in for it. */
export class Transport {
  private readonly _targetOf: (url: string | URL) => RequestTarget;
  private _closed = false;

  constructor(targetOf: (url: string | URL) => RequestTarget) {
    this._targetOf = targetOf;
  }

  close(): void {
    this._closed = true;
  }

  /** Throws where nothing more is taken. */
  assertOpen(): void {
    if (this._closed) throw new MillraceError('MILLRACE_CLIENT_CLOSED');
  }

  /** Begins an exchange: at once, or when the TLS context is there. Its options are checked. */
  exchange(
    target: RequestTarget,
    options: RequestOptions,
    body: SentBody,
    extras: HopExtras,
    recipient: Recipient,
  ): void {
    try {
      this.assertOpen();
      const { scheme, settings } = target.destination;
      if (scheme === 'http' || settings.tls.context !== undefined) {
        return this.begin(target, options, body, extras, recipient);
      }
      const start = (): void => this.begin(target, options, body, extras, recipient);
      settings.tls.make().then(start).catch(recipient.failed);
    } catch (error) {
      recipient.failed(error);
    }
  }

  private begin(
    target: RequestTarget,
    options: RequestOptions,
    body: SentBody,
    extras: HopExtras,
    recipient: Recipient,
  ): void {
    const { url, destination } = target;
    const { values } = destination.settings;
    const decompress = options.decompress ?? values.decompress;
    const prepared = prepare(target, options, body, extras, decompress);
    const from = options.query === undefined ? url : `${destination.origin}${prepared.target}`;
    const rules = rulesOf(from, options, destination.settings, prepared.memory);
    const origin = this.originOf(destination, options);
    new RequestExchange(origin, prepared, rules, recipient, extras.onUpgrade).start();
  }

  /** The client's own `dispatch`. */
  readonly dispatch: Dispatch = (options, handler) => {
    const { url, body, ...rest } = options;
    const control = new DispatchControl(handler);
    if (plainBody(body)) {
      this.launch(url, rest, body ?? undefined, control);
      return control;
    }
    const sorted = RequestBody.of(body);
    const begin = (ready: RequestBody): void => {
      if (!control.aborted) this.launch(url, rest, ready, control);
    };
    if (sorted instanceof RequestBody) begin(sorted);
    else sorted.then(begin).catch((error: unknown) => control.failed(error));
    return control;
  };

  private launch(url: string | URL, options: RequestOptions, body: SentBody, control: DispatchControl): void {
    this.assertOpen();
    checkRequestOptions(options);
    const target = this._targetOf(url);
    const { scheme, settings } = target.destination;
    const start = (): void => {
      if (control.aborted) return;
      const decompress = options.decompress ?? false;
      const extras = control.isInformed ? INFORMED : NO_EXTRAS;
      const prepared = prepare(target, options, body, extras, decompress);
      const origin = this.originOf(target.destination, options);
      const exchange = new DispatchExchange(origin, prepared, new Timings(), control, shownUrl(url));
      if (body instanceof RequestBody) exchange.onOver = () => body.close();
      exchange.start();
    };
    if (scheme === 'http' || settings.tls.context !== undefined) start();
    else
      settings.tls
        .make()
        .then(start)
        .catch((error: unknown) => control.failed(error));
  }

  /** The connections that requests to a destination use. */
  originOf(destination: Destination, { proxy, isolationKey }: ConnectionChoice): OriginPool {
    const { settings } = destination;
    const usual = proxy === undefined && isolationKey === undefined && settings.values.proxy !== 'env';
    const known = destination.pool;
    if (usual && known !== undefined && !known.forgotten) return known;
    const pool = settings.pool.origin(keyOf(destination, proxy, isolationKey));
    if (usual) destination.pool = pool;
    return pool;
  }

  /** Opens connections for requests to come; answers with how many there are more than before. */
  async prewarm(url: string | URL, count: number, options: ConnectionChoice): Promise<number> {
    this.assertOpen();
    const { destination } = this._targetOf(url);
    const { scheme, settings } = destination;
    if (scheme === 'https' && settings.tls.context === undefined) await settings.tls.make();
    return settings.pool.prewarm(
      keyOf(destination, options.proxy, options.isolationKey),
      count,
      settings.times.defaults.connect,
    );
  }
}

function keyOf(
  { scheme, host, port, settings }: Destination,
  proxy: ProxyOption | undefined,
  isolationKey: string | undefined,
): PoolKey {
  const { values } = settings;
  let route = (proxy !== undefined ? proxy : values.proxy) as ProxyOption | null;
  // Here, because only here the scheme is known; asked each time, because the environment may change.
  if (route === 'env') route = environmentProxy({ scheme, host, port });
  const tls = scheme === 'https' ? settings.tls.context : undefined;
  return {
    scheme,
    host,
    port,
    tls,
    servername: tls?.servername ?? undefined,
    resolver: (values.resolver ?? undefined) as PoolKey['resolver'],
    localAddress: values.localAddress ?? undefined,
    socketPath: values.socketPath ?? undefined,
    family: values.family,
    proxy: route ?? undefined,
    isolationKey: isolationKey ?? values.isolationKey ?? undefined,
    limits: settings.limits,
  };
}

/** How the response to a request is to be given. */
export function rulesOf(
  url: string | URL,
  options: RequestOptions,
  { values }: Settings,
  memory: ResponseRules['memory'],
): ResponseRules {
  const informational = options.onInformational ?? (values.onInformational as RequestOptions['onInformational'] | null);
  return {
    maxSize: options.maxResponseSize !== undefined ? options.maxResponseSize : values.maxResponseSize,
    maxStreamed: options.maxResponseSize ?? null,
    maxExpansion: options.maxExpansion !== undefined ? options.maxExpansion : values.maxExpansion,
    memory,
    decompress: options.decompress ?? values.decompress,
    url: shownUrl(url),
    onInformational: informational ?? undefined,
  };
}
