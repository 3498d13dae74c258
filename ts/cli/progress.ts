const WIDTH = 30;
const EVERY = 100;

/** A bar on standard error that tells how far a download is. */
export class Progress {
  private _done: number;
  private readonly _whole: number;
  private readonly _began = performance.now();
  private _told = 0;

  /** `length`: what is still to come; NaN where nobody knows. */
  constructor(done: number, length: number) {
    this._done = done;
    this._whole = done + length;
  }

  add(bytes: number): void {
    this._done += bytes;
    const now = performance.now();
    if (now - this._told < EVERY) return;
    this._told = now;
    process.stderr.write(`\r${this.text()}`);
  }

  end(): void {
    process.stderr.write(`\r${this.text()}\n`);
  }

  private text(): string {
    const seconds = Math.max(0.001, (performance.now() - this._began) / 1_000);
    const rate = `${sizeOf(this._done / seconds)}/s`;
    if (Number.isNaN(this._whole)) return `${sizeOf(this._done)}  ${rate}   `;
    const share = this._whole === 0 ? 1 : Math.min(1, this._done / this._whole);
    const bar = '#'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH, '.');
    return `[${bar}] ${Math.floor(share * 100)} %  ${sizeOf(this._done)} of ${sizeOf(this._whole)}  ${rate}   `;
  }
}

/** A size in the unit that fits. */
export function sizeOf(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1_024 && unit < units.length - 1) {
    size /= 1_024;
    unit++;
  }
  return `${unit === 0 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}
