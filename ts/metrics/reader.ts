import { Baseline } from './reading.js';
import { toSnapshot } from './snapshot.js';
import type { Snapshot } from './snapshot.js';

/**
 * A reader of its own: each reading has what counters and histograms gained since its last one (the first: since it was
 * made), and the gauges as they are. Readers disturb neither each other nor `metrics`.
 */
export class MetricsReader {
  readonly #baseline = new Baseline();

  /** What came since the last call. */
  read(): Snapshot {
    return toSnapshot(this.#baseline.read());
  }
}
