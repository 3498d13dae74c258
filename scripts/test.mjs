// npm test [-- arguments of npm run check]: sets up what is missing, then runs the whole check.
import { main } from './lib/command.mjs';
import { check } from './check.mjs';

await main(() => check(process.argv.slice(2)));
