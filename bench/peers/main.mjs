// npm run bench -- peers <suite> [arguments]: our servers beside other people's.
import { http1 } from './http1/main.mjs';

const SUITES = { http1 };

const [name, ...args] = process.argv.slice(2);
try {
  if (!Object.hasOwn(SUITES, name ?? '')) {
    throw new Error(`npm run bench -- peers <suite> [arguments], with a suite of: ${Object.keys(SUITES).join(', ')}`);
  }
  await SUITES[name](args);
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
