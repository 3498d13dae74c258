import type { BodyCoding } from '../body-coding.js';
import type { ServerRequest } from '../request.js';
import type { ServerResponse } from '../response.js';
import { chooseCoding, codeHead } from './coded-head.js';
import type { ContentCoding, Encoder } from './codings.js';
import { createEncoder, encodeWhole, flushOf } from './codings.js';
import type { CompressionSettings } from './options.js';

/**
 * Compresses one response, if it turns out to be worth it when its head leaves. A whole body is compressed on a thread
 * of the pool and keeps a Content-Length; a streamed one goes through a compressing stream that holds back no chunk for
 * longer than a turn of the event loop, so that events and tokens arrive when they are written.
 */
export class CompressedBody implements BodyCoding {
  private readonly _req: ServerRequest;
  private readonly _res: ServerResponse;
  private readonly _settings: CompressionSettings;
  private _encoder: Encoder | undefined;
  private _flush: NodeJS.Immediate | undefined;
  private _flushKind = 0;

  constructor(req: ServerRequest, res: ServerResponse, settings: CompressionSettings) {
    this._req = req;
    this._res = res;
    this._settings = settings;
  }

  whole(body: string | Uint8Array | undefined): 'taken' | 'head' | 'plain' {
    const length = typeof body === 'string' ? Buffer.byteLength(body) : (body?.byteLength ?? 0);
    // The answer to HEAD may say by its fields alone what GET would send.
    const bare = length === 0 && this._req.method === 'HEAD';
    const coding = this.choose(bare ? this.toldLength() : length);
    if (coding === undefined) return 'plain';
    if (bare) {
      codeHead(this._res, coding);
      return 'head';
    }
    const bytes = typeof body === 'string' ? Buffer.from(body) : (body as Uint8Array);
    encodeWhole(coding, this._settings.level, bytes, (error, result) => {
      // Neither what cannot be compressed nor what does not get smaller is worth an error: it goes as it is.
      if (error !== null || result.byteLength >= bytes.byteLength) {
        this._res.deliver(bytes);
        return;
      }
      this._res.deliver(result, () => codeHead(this._res, coding));
    });
    return 'taken';
  }

  begin(): boolean {
    const coding = this.choose(this.toldLength());
    if (coding === undefined) return false;
    codeHead(this._res, coding);
    if (this._req.method !== 'HEAD') this.start(coding);
    return true;
  }

  write(chunk: string | Uint8Array): boolean {
    const encoder = this._encoder;
    if (encoder === undefined) return true;
    this._flush ??= setImmediate(() => {
      this._flush = undefined;
      encoder.flush(this._flushKind);
    });
    return encoder.write(chunk);
  }

  end(): void {
    this.cancelFlush();
    if (this._encoder === undefined) this._res.passEnd();
    else this._encoder.end();
  }

  resume(): void {
    this._encoder?.resume();
  }

  destroy(): void {
    this.cancelFlush();
    this._encoder?.destroy();
    this._encoder = undefined;
  }

  private start(coding: ContentCoding): void {
    const res = this._res;
    const encoder = createEncoder(coding, this._settings.level);
    encoder.on('data', (chunk: Uint8Array) => {
      if (!res.pass(chunk)) encoder.pause();
    });
    encoder.on('drain', () => res.roomAgain());
    encoder.on('end', () => res.passEnd());
    encoder.on('error', () => res.destroy());
    this._encoder = encoder;
    this._flushKind = flushOf(coding);
  }

  private choose(length: number | undefined): ContentCoding | undefined {
    return chooseCoding(this._req, this._res, this._settings, length);
  }

  private toldLength(): number | undefined {
    const told = this._res.getHeader('content-length');
    return typeof told === 'string' ? Number(told) : undefined;
  }

  private cancelFlush(): void {
    if (this._flush !== undefined) clearImmediate(this._flush);
    this._flush = undefined;
  }
}
