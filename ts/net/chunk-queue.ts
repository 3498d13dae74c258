interface Waiting {
  resolve(chunk: Uint8Array | undefined): void;
  reject(error: unknown): void;
}

/** Chunks that came before somebody took them, or the one who waits for the next. */
export class ChunkQueue {
  readonly #chunks: Uint8Array[] = [];
  #waiting: Waiting | undefined;

  /** Whether chunks came that nobody has taken. */
  get keeps(): boolean {
    return this.#chunks.length > 0;
  }

  /** Whether somebody waits for a chunk. */
  get waits(): boolean {
    return this.#waiting !== undefined;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
  }

  shift(): Uint8Array | undefined {
    return this.#chunks.shift();
  }

  /** All that are kept; none is any more. */
  clear(): Uint8Array[] {
    return this.#chunks.splice(0);
  }

  /** Resolves with the next that comes, none at the end. */
  wait(): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }

  /** Gives it to whoever waits; `undefined`: none will come. */
  give(chunk: Uint8Array | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(chunk);
  }

  fail(error: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(error);
  }
}
