// Whether a process that does the same many times keeps its size: memory and descriptors, sampled as the work goes on.
import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MIB, descriptors, mib, used } from './facts.mjs';

const SAMPLES = 40;
/** The first samples are of a process that still grows to its working size. */
const WARM_UP = SAMPLES / 4;
/** What the straight line through the samples may rise from the first to the last: pages come and go. */
const MOST_GROWTH = 4 * MIB;
/** Connections that are open at a sample and not at another. */
const MOST_DESCRIPTORS = 4;

setFlagsFromString('--expose-gc');
globalThis.gc ??= runInNewContext('gc');

const mean = (numbers) => numbers.reduce((sum, each) => sum + each, 0) / numbers.length;

/** How far the line of least squares through the values rises over all of them. */
export function rise(values) {
  const middle = (values.length - 1) / 2;
  const average = mean(values);
  const moment = mean(values.map((value, place) => (value - average) * (place - middle)));
  const spread = mean(values.map((_, place) => (place - middle) ** 2));
  return (moment / spread) * (values.length - 1);
}

/** Samples this process, forty times over so many rounds of the same work. */
export class Flatness {
  #every;
  #memory = [];
  #descriptors = [];

  constructor(rounds) {
    this.#every = Math.max(1, Math.floor(rounds / SAMPLES));
  }

  /** So many rounds are done. */
  done(rounds) {
    if (rounds % this.#every !== 0) return;
    this.#memory.push(used());
    this.#descriptors.push(descriptors(process.pid));
  }

  /** Bytes by which memory grew after the warm-up, by the slope. */
  growth() {
    return rise(this.#memory.slice(WARM_UP));
  }

  descriptorsGrown() {
    const settled = this.#descriptors.slice(WARM_UP);
    return settled.at(-1) - settled[0];
  }

  told() {
    return `memory grew by ${mib(this.growth())} by its slope, descriptors by ${this.descriptorsGrown()}`;
  }

  /** Fails where it is not flat. */
  judge() {
    const told = this.#memory.map((bytes) => (bytes / MIB).toFixed(1)).join(' ');
    assert.ok(this.growth() < MOST_GROWTH, `memory grew by ${mib(this.growth())}: ${told}`);
    const open = this.#descriptors.join(' ');
    assert.ok(this.descriptorsGrown() <= MOST_DESCRIPTORS, `descriptors grew by ${this.descriptorsGrown()}: ${open}`);
  }
}
