// npm run bench -- peers <suite> [options]: our servers beside other people's.
import { runSuite } from './suite.mjs';
import { SUITES } from './suites.mjs';

const [name, ...args] = process.argv.slice(2);
try {
  if (!Object.hasOwn(SUITES, name ?? '')) {
    throw new Error(`npm run bench -- peers <suite> [options], with a suite of: ${Object.keys(SUITES).join(', ')}`);
  }
  await runSuite(SUITES[name], args);
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
