import type { ServerRequest } from './request.js';

type Platform = globalThis.Request;
type Input = ConstructorParameters<typeof globalThis.Request>[0];
/** What makes a platform Request of one of ours; `duplex` is in the standard, not yet in every type. */
type Init = RequestInit & { duplex?: 'half' };

/**
 * The web standard's Request, made when looked into: method, url and body readers answer at once, everything else
 * goes to a platform Request that is built then. `instanceof` the platform's holds.
 */
export class LazyRequest {
  private readonly _source: ServerRequest | undefined;
  private _platform: globalThis.Request | undefined;
  private _headers: Headers | undefined;

  /** As the platform's; or, within the package, of a server's request. */
  constructor(input: ServerRequest | Input, init?: RequestInit) {
    linkPrototype();
    if (init === undefined && isServerRequest(input)) {
      this._source = input;
    } else {
      this._source = undefined;
      const given = input instanceof LazyRequest ? input.platform() : input;
      this._platform = new globalThis.Request(given as Input, init);
    }
  }

  get method(): string {
    return this._source?.method ?? this.platform().method;
  }

  get url(): string {
    const source = this._source;
    return source === undefined ? this.platform().url : absolute(source);
  }

  get headers(): Headers {
    const source = this._source;
    if (source === undefined || this._platform !== undefined) return this.platform().headers;
    return (this._headers ??= new Headers([...source.headers]));
  }

  get signal(): AbortSignal {
    return this._source?.signal ?? this.platform().signal;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.platform().body as ReadableStream<Uint8Array> | null;
  }

  get bodyUsed(): boolean {
    return this._platform?.bodyUsed ?? this._source?.used ?? false;
  }

  text(): Promise<string> {
    return this.reader().text();
  }

  json(): Promise<unknown> {
    return this.reader().json();
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.reader().arrayBuffer();
  }

  bytes(): Promise<Uint8Array> {
    const reader = this.reader();
    return 'bytes' in reader
      ? reader.bytes()
      : this.platform()
          .arrayBuffer()
          .then((b) => new Uint8Array(b));
  }

  blob(): Promise<Blob> {
    return this.reader().blob();
  }

  formData(): Promise<FormData> {
    return this.platform().formData();
  }

  clone(): globalThis.Request {
    return this.platform().clone();
  }

  get cache(): Platform['cache'] {
    return this.platform().cache;
  }
  get credentials(): Platform['credentials'] {
    return this.platform().credentials;
  }
  get destination(): Platform['destination'] {
    return this.platform().destination;
  }
  get integrity(): string {
    return this.platform().integrity;
  }
  get keepalive(): boolean {
    return this.platform().keepalive;
  }
  get mode(): Platform['mode'] {
    return this.platform().mode;
  }
  get redirect(): Platform['redirect'] {
    return this.platform().redirect;
  }
  get referrer(): string {
    return this.platform().referrer;
  }
  get referrerPolicy(): Platform['referrerPolicy'] {
    return this.platform().referrerPolicy;
  }
  get duplex(): 'half' {
    return 'half';
  }

  /** The platform's object, from now on the owner of the body. */
  platform(): globalThis.Request {
    if (this._platform === undefined) {
      const source = this._source as ServerRequest;
      const init: Init = { method: source.method, headers: this.headers, signal: source.signal };
      if (source.hasBody) {
        init.body = source.stream() as ReadableStream;
        init.duplex = 'half';
      }
      this._platform = new globalThis.Request(absolute(source), init);
    }
    return this._platform;
  }

  private reader(): ServerRequest | globalThis.Request {
    return this._platform ?? (this._source as ServerRequest);
  }
}

function isServerRequest(input: unknown): input is ServerRequest {
  return typeof input === 'object' && input !== null && 'toWeb' in input;
}

function absolute(source: ServerRequest): string {
  const url = source.url;
  if (url.charCodeAt(0) !== 47)
    return /^https?:/i.test(url)
      ? url
      : `${source.isSecure ? 'https' : 'http'}://${source.headers.get('host') ?? 'localhost'}/`;
  return `${source.isSecure ? 'https' : 'http'}://${source.headers.get('host') || 'localhost'}${url}`;
}

let linked = false;

/** Put off until the first object: the platform's class takes milliseconds to load. */
function linkPrototype(): void {
  if (linked) return;
  linked = true;
  Object.setPrototypeOf(LazyRequest.prototype, globalThis.Request.prototype);
}

/** A server's request in the web standard's shape. */
export function webRequest(source: ServerRequest): Request {
  return new LazyRequest(source);
}
