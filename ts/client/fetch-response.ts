import type { ClientResponse } from './response.js';

/**
 * The web standard's Response of a client's, made when looked into: status, url and the body's readers answer at once;
 * fields become a platform Headers, and what remains a platform Response, when they are asked for. `instanceof` the
 * platform's holds.
 */
export class FetchResponse {
  private readonly _response: ClientResponse;
  private readonly _signal: AbortSignal | undefined;
  private _headers: Headers | undefined;
  private _stream: ReadableStream<Uint8Array> | null | undefined;
  private _platform: globalThis.Response | undefined;

  constructor(response: ClientResponse, signal: AbortSignal | undefined) {
    if (!linked) linkPrototype();
    this._response = response;
    this._signal = signal;
  }

  get status(): number {
    return this._response.status;
  }

  get ok(): boolean {
    return this._response.ok;
  }

  get statusText(): string {
    return this._response.statusText;
  }

  get url(): string {
    const { url } = this._response;
    const hash = url.indexOf('#');
    return new URL(hash < 0 ? url : url.slice(0, hash)).href;
  }

  get redirected(): boolean {
    return this._response.redirects > 0;
  }

  get type(): globalThis.Response['type'] {
    return 'basic';
  }

  get headers(): Headers {
    return (this._headers ??= new Headers([...this._response.headers]));
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (this._platform !== undefined) return this._platform.body as ReadableStream<Uint8Array> | null;
    if (this._stream === undefined) this._stream = hasNoBody(this._response) ? null : this._response.body.stream();
    return this._stream;
  }

  get bodyUsed(): boolean {
    if (this._platform !== undefined) return this._platform.bodyUsed;
    // A stream that was only looked at has not been used.
    return this._stream === undefined ? this._response.body.used : isDisturbed(this._stream);
  }

  async text(): Promise<string> {
    return this.direct() ? this.read(this._response.body.text()) : this.platform().text();
  }

  async json(): Promise<unknown> {
    return this.direct() ? this.read(this._response.body.json()) : this.platform().json();
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.direct() ? this.read(this._response.body.arrayBuffer()) : this.platform().arrayBuffer();
  }

  async bytes(): Promise<Uint8Array> {
    if (this.direct()) return this.read(this._response.body.bytes());
    return new Uint8Array(await this.platform().arrayBuffer());
  }

  async blob(): Promise<Blob> {
    return this.platform().blob();
  }

  async formData(): Promise<FormData> {
    return this.platform().formData();
  }

  clone(): globalThis.Response {
    return this.platform().clone();
  }

  /** Whether the body can be had without a platform object. */
  private direct(): boolean {
    return this._platform === undefined && this._stream === undefined && !this._response.body.used;
  }

  /** What a reader fails with: the reason of an abort, else a TypeError with the cause. */
  private async read<T>(body: Promise<T>): Promise<T> {
    try {
      return await body;
    } catch (error) {
      if (this._signal?.aborted === true) throw this._signal.reason;
      if (error instanceof SyntaxError) throw error;
      throw new TypeError('terminated', { cause: error });
    }
  }

  /** The platform's object, from now on the owner of the body. */
  private platform(): globalThis.Response {
    if (this._platform !== undefined) return this._platform;
    if (this._stream === undefined && this._response.body.used) {
      throw new TypeError('Body is unusable: Body has already been read');
    }
    const { status, statusText } = this._response;
    const body = this.body;
    const init = { status: status >= 200 && status <= 599 ? status : 200, statusText, headers: this.headers };
    return (this._platform = new globalThis.Response(body, init));
  }
}

/** Fetch §2.2.3: null body status. */
function hasNoBody({ status }: ClientResponse): boolean {
  return status === 101 || status === 204 || status === 205 || status === 304;
}

function isDisturbed(stream: ReadableStream | null): boolean {
  return (
    stream !== null &&
    (
      process.getBuiltinModule('node:stream').Readable as unknown as { isDisturbed(stream: unknown): boolean }
    ).isDisturbed(stream)
  );
}

let linked = false;

/** Put off until the first object: the platform's class takes milliseconds to load. */
function linkPrototype(): void {
  linked = true;
  Object.setPrototypeOf(FetchResponse.prototype, globalThis.Response.prototype);
}
