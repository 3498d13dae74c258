import { native } from '../native/loader.js';
import { COUNTERS, HISTOGRAMS } from './catalogue.generated.js';
import type { CounterName, HistogramName } from './catalogue.generated.js';

/** The function that moves this counter, by one unless more is said: for what only TypeScript sees happen. */
export function counter(name: CounterName): (amount?: number) => void {
  const place = COUNTERS.findIndex(({ key }) => key === name);
  return (amount = 1) => native.count(place, amount);
}

/** The function that records a duration, in milliseconds. */
export function histogram(name: HistogramName): (ms: number) => void {
  const place = HISTOGRAMS.findIndex(({ key }) => key === name);
  return (ms) => native.record(place, Math.round(ms * 1e6));
}
