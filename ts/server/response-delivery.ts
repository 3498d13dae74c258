import type { Writable } from 'node:stream';

import { MillraceError } from '../errors/millrace-error.js';
import { nodeStream } from '../message/node-stream.js';
import type { BodyInput, Outgoing } from '../message/outgoing-body.js';
import { outgoing } from '../message/outgoing-body.js';
import { FINISH, FINISH_WHOLE } from '../native/binding.js';
import { native } from '../native/loader.js';
import { ResponseBody } from './response-body.js';
import { checkStatus, ENDED, HEAD, WATCHED } from './response-head.js';

/** Whole bodies of any kind, with back-pressure, until all of it is with the kernel. */
export abstract class ResponseDelivery extends ResponseBody {
  /**
   * Any kind of body, with back-pressure, then the end. Resolves when all of it is with the kernel; rejects with
   * MILLRACE_STREAM_CLOSED when the exchange is over before, or was ended already.
   */
  async send(body: BodyInput): Promise<void> {
    if (this.writableEnded) throw new MillraceError('MILLRACE_STREAM_CLOSED', 'the response has ended');
    const out = await outgoing(body);
    try {
      await this.sendOutgoing(out);
    } finally {
      out.file?.close();
    }
  }

  /** The response as a Writable. */
  writable(): Writable {
    const stream = new (nodeStream().Writable)({
      decodeStrings: true,
      write: (chunk: Uint8Array, _encoding, done) => {
        if (this.closed) return done(new MillraceError('MILLRACE_STREAM_CLOSED', 'the exchange has ended'));
        if (this.write(chunk)) done();
        else void this.drained().then(() => done());
      },
      final: (done) => {
        void this.finished().then(() => done(), done);
        this.end();
      },
      destroy: (error, done) => {
        if (!this.writableEnded) this.destroy();
        done(error);
      },
    });
    return stream;
  }

  /**
   * @internal A part of an open file as the whole body: from file to socket within the kernel. Resolves when all of it
   * is with the kernel. The descriptor is copied at once and stays the caller's.
   */
  async sendFile(fd: number, start: number, length: number): Promise<void> {
    this.mutable();
    checkStatus(this.statusCode);
    const finished = this.finished();
    // What is refused is thrown below: this rejection must not end the process.
    finished.catch(() => undefined);
    this._state |= HEAD | ENDED;
    if ((this._state & WATCHED) !== 0) {
      this.noteHead(undefined);
      this.noteBody(length);
    }
    const status = this.statusCode + FINISH * FINISH_WHOLE;
    const answer = native.respondFile(this.id, status, this.headText(), this.statusMessage, fd, start, length);
    if (answer !== undefined) this.refused(answer, HEAD | ENDED);
    if (this.closed) return;
    await finished;
  }

  private async sendOutgoing(out: Outgoing): Promise<void> {
    const { file } = out;
    if (out.type !== undefined && this.getHeader('content-type') === undefined && !this.headersSent) {
      this.setHeader('content-type', out.type);
    }
    if (out.length !== undefined && !this.headersSent && this.getHeader('content-length') === undefined) {
      this.setHeader('content-length', out.length);
    }
    if (file !== undefined && !this.headersSent && this._trailers === '') {
      this.decideCoding();
      if (this._coding === undefined) {
        const sent = this.sendFile(file.source.fd, file.start, file.end - file.start);
        // The core has a descriptor of its own by now: a client that reads slowly need not hold two.
        file.close();
        return sent;
      }
      this.beginDecided();
    }
    const finished = this.finished();
    // Where the source fails, its error is the one to tell: this rejection must not end the process.
    finished.catch(() => undefined);
    if (out.whole !== undefined) {
      this.end(out.whole);
    } else {
      // Nothing of a file is read that HEAD would throw away.
      if (file === undefined || this._req.method !== 'HEAD') await this.sendChunks(out.chunks);
      this.end();
    }
    await finished;
  }

  private async sendChunks(chunks: AsyncIterable<string | Uint8Array>): Promise<void> {
    try {
      for await (const chunk of chunks) {
        if (this.closed) break;
        if (!this.write(chunk)) await this.drained();
      }
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  /** Resolves with `finish`, rejects when the exchange is cut before. */
  private finished(): Promise<void> {
    const cut = (): MillraceError =>
      new MillraceError('MILLRACE_STREAM_CLOSED', 'the exchange ended before the response', { cause: this._req.gone });
    // No event comes any more.
    if (this.closed) return Promise.reject(cut());
    return new Promise((resolve, reject) => {
      let done = false;
      this.once('finish', () => {
        done = true;
        resolve();
      });
      this.once('close', () => {
        if (!done) reject(cut());
      });
    });
  }
}
