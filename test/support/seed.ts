/**
 * The first seed of every random test: that of MILLRACE_SEED, or always the same, so that a commit is tested alike
 * everywhere. `npm run explore` gives fresh ones.
 */
export const SEED = Number(process.env.MILLRACE_SEED ?? 1);

/** How many times their usual number of cases random tests try. */
export const TIMES = Number(process.env.MILLRACE_TIMES ?? 1);

/** The seeds of a test that tries `usual` ones. */
export const seeds = (usual: number): number[] => Array.from({ length: usual * TIMES }, (_, round) => SEED + round);

/** Whole numbers from 0 to below what is asked for, the same ones for the same seed (mulberry32). */
export function randomOf(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) % below;
  };
}
