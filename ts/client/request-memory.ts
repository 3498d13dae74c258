import { MillraceError } from '../errors/millrace-error.js';
import { countRefusal } from './refusals.js';

/**
 * What may be buffered for one exchange, and what is: the request's body where it is in memory, the response's head, what
 * is collected of its body and what comes of that when it is decoded. What flows needs no more room than is left: it comes
 * in smaller pieces then.
 */
export class RequestMemory {
  readonly value: number;
  private _used = 0;

  constructor(value: number) {
    this.value = value;
  }

  get left(): number {
    return this.value - this._used;
  }

  /** Buffers so many bytes; throws `MILLRACE_REQUEST_MEMORY` where they are more than are left. */
  take(bytes: number): void {
    if (bytes > this.left) throw this.exceeded(bytes);
    this._used += bytes;
  }

  /** Throws as `take` does: for what is buffered for a moment. */
  hold(bytes: number): void {
    if (bytes > this.left) throw this.exceeded(bytes);
  }

  /** How many bytes of a stream may wait: at most `usual`. */
  window(usual: number): number {
    return Math.max(1, Math.min(usual, this.left));
  }

  /** The error for so many bytes more; counted. */
  exceeded(bytes: number): MillraceError {
    countRefusal('maxMemoryPerRequest');
    const { value } = this;
    const seen = this._used + bytes;
    const message = `more would have to be buffered for one request than maxMemoryPerRequest (limit ${value}, got ${seen}; the option "maxMemoryPerRequest" changes it)`;
    return new MillraceError('MILLRACE_REQUEST_MEMORY', message, {
      limit: { option: 'maxMemoryPerRequest', value, seen },
    });
  }
}
