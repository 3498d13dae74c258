// What loading the package does to a process. Argument: require or import.
import { createRequire } from 'node:module';
import { threads } from './lib/process.mjs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGPIPE', 'SIGUSR1', 'SIGUSR2', 'SIGCHLD'];
const EVENTS = ['uncaughtException', 'unhandledRejection', 'exit', 'beforeExit', 'warning', ...SIGNALS];
const listeners = () => EVENTS.map((name) => process.listenerCount(name)).join();
const { readFileSync } = await import('node:fs');
const caught = () =>
  readFileSync('/proc/self/status', 'utf8')
    .match(/^Sig(Cgt|Ign|Blk):.*$/gm)
    .join();

const before = { threads: threads(), listeners: listeners(), caught: caught() };
const require = createRequire(import.meta.url);
const started = performance.now();
if (process.argv[2] === 'require') require('../../../dist/index.js');
else await import('../../../dist/index.mjs');
const took = performance.now() - started;
console.log(
  JSON.stringify({
    took,
    threads: threads() - before.threads,
    listeners: listeners() === before.listeners,
    signals: caught() === before.caught,
  }),
);
