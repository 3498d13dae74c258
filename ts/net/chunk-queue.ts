interface Waiting {
  resolve(chunk: Uint8Array | undefined): void;
  reject(error: unknown): void;
}

/** Chunks that came before somebody took them, or who waits for the next: several are answered in their order. */
export class ChunkQueue {
  readonly #chunks: Uint8Array[] = [];
  #waiting: Waiting | undefined;
  #behind: Waiting[] | undefined;

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
    return new Promise((resolve, reject) => {
      if (this.#waiting === undefined) this.#waiting = { resolve, reject };
      else (this.#behind ??= []).push({ resolve, reject });
    });
  }

  /** Gives it to whoever waits for it; `undefined`: none will come, for all that wait. */
  give(chunk: Uint8Array | undefined): void {
    do this._first()?.resolve(chunk);
    while (chunk === undefined && this.waits);
  }

  fail(error: unknown): void {
    do this._first()?.reject(error);
    while (this.waits);
  }

  private _first(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = this.#behind?.shift();
    return waiting;
  }
}
