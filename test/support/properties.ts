// fast-check with the seed of all random tests; a failure names the seed and the path to what it was shrunk to.
import fc from 'fast-check';
import { SEED, TIMES } from './seed.js';

fc.configureGlobal({ seed: SEED, numRuns: 100 * TIMES });

export default fc;
