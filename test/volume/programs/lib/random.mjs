/** The seed of programs whose command line has none: as in test/support/seed.ts. */
export const SEED = Number(process.env.MILLRACE_SEED ?? 1);

/** mulberry32: numbers from 0 to 1, the same for the same seed. */
export function randomOf(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}
