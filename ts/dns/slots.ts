/** So many at once, and the others in the order in which they came. */
export class Slots {
  private _free: number;
  private readonly _waiting = new Set<() => void>();

  constructor(count: number) {
    this._free = count;
  }

  /** Resolves with true when there is a slot, which `give` has to give back; with false when the signal is aborted before. */
  take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    if (this._free > 0) {
      this._free--;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const onAbort = (): void => {
        this._waiting.delete(onSlot);
        resolve(false);
      };
      const onSlot = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve(true);
      };
      this._waiting.add(onSlot);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  give(): void {
    const [next] = this._waiting;
    if (next === undefined) {
      this._free++;
    } else {
      this._waiting.delete(next);
      next();
    }
  }
}
