interface Waiting {
  resolve(): void;
  reject(error: unknown): void;
  /** Until everything is with the kernel, and not only until there is room. */
  readonly finish: boolean;
}

/** Those who wait for room, or for everything to be with the kernel. */
export class Writers {
  #waiting: Waiting[] = [];

  wait(finish: boolean): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject, finish }));
  }

  /**
   * There is room, or, `finished`, everything is with the kernel; with an error it never will be. Answers how many wait on.
   */
  settle(finished: boolean, error: unknown): number {
    const all = this.#waiting;
    const left = finished ? [] : all.filter(({ finish }) => finish);
    this.#waiting = left;
    for (const waiting of all) {
      if (waiting.finish && !finished) continue;
      if (error !== undefined && waiting.finish) waiting.reject(error);
      else waiting.resolve();
    }
    return left.length;
  }
}
