/** Milliseconds of the system's monotonic clock: the same in every process of the machine. */
export const now = () => Number(process.hrtime.bigint() / 1_000n) / 1_000;

/** Resolves after so many milliseconds. */
export const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
