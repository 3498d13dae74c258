// The seed of every test that draws at random.

/**
 * What the seed is where nobody says another: the same commit tests the same cases wherever it is tested.
 * `.cargo/config.toml` and `test/support/seed.ts` repeat it for tests that are run by hand; a test compares them.
 */
export const SEED = 1;

/** The variables by which tests learn of a seed: those of ours, and the properties of proptest. */
export const seedVariables = (seed) => ({ MILLRACE_SEED: String(seed), PROPTEST_RNG_SEED: String(seed) });

/** The seed that an environment asks for, or the usual one. */
export const seedOf = (env) => env.MILLRACE_SEED ?? String(SEED);
