import { LAYOUT, PERCENTILES, BOUNDS_NANOS } from './catalogue.generated.js';
import { getSource } from './source.js';

const FACTS = 4;

/** One histogram among the numbers; durations in nanoseconds. */
export interface HistogramReading {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** In the order of the catalogue's percentiles. */
  readonly percentiles: readonly number[];
  /** For each of the catalogue's bounds, how many records are at most that long. */
  readonly cumulative: readonly number[];
}

/** The numbers that the native core wrote, found by their place in the layout. */
export class Reading {
  readonly #numbers: Float64Array;

  constructor(fill: (target: Float64Array) => void) {
    this.#numbers = new Float64Array(LAYOUT.length);
    fill(this.#numbers);
  }

  /** The counter at this place of the catalogue. */
  counter(index: number): number {
    return this.#at(index);
  }

  /** The gauge at this place of the catalogue. */
  gauge(index: number): number {
    return this.#at(LAYOUT.gauges + index);
  }

  /** The histogram at this place of the catalogue. */
  histogram(index: number): HistogramReading {
    const start = LAYOUT.histograms + index * LAYOUT.histogramLength;
    const percentiles = start + FACTS;
    const cumulative = percentiles + PERCENTILES.length;
    return {
      count: this.#at(start),
      sum: this.#at(start + 1),
      min: this.#at(start + 2),
      max: this.#at(start + 3),
      percentiles: [...this.#numbers.subarray(percentiles, cumulative)],
      cumulative: [...this.#numbers.subarray(cumulative, cumulative + BOUNDS_NANOS.length)],
    };
  }

  #at(index: number): number {
    return this.#numbers[index] ?? 0;
  }
}

/** Everything since the process began: no reset disturbs it. */
export function readTotals(): Reading {
  const source = getSource();
  return new Reading((target) => source?.totals(target));
}

/** Everything since the last reset. */
export function readSinceReset(): Reading {
  const source = getSource();
  return new Reading((target) => source?.snapshot(target));
}

/** How far one reader has read. It begins now: what was counted before is not told. */
export class Baseline {
  /** Opaque: the native core writes it. Without the core there is nothing to remember. */
  readonly #numbers: Float64Array | null;

  constructor() {
    const source = getSource();
    this.#numbers = source === null ? null : new Float64Array(source.baselineLength);
    this.read();
  }

  /** What came since the last call; no other reader and no reset disturbs it. */
  read(): Reading {
    const source = getSource();
    return new Reading((target) => {
      if (this.#numbers !== null) source?.since(target, this.#numbers);
    });
  }
}
