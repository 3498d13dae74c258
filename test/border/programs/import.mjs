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
// Of the process: what /proc says of a thread is as old as the last tick.
const onCpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
const started = { clock: performance.now(), cpu: onCpu() };
if (process.argv[2] === 'require') require('../../../dist/index.js');
else await import('../../../dist/index.mjs');
// The lesser of both: on a busy machine the clock also counts the time of others.
const took = Math.min(performance.now() - started.clock, onCpu() - started.cpu);
console.log(
  JSON.stringify({
    took,
    threads: threads() - before.threads,
    listeners: listeners() === before.listeners,
    signals: caught() === before.caught,
  }),
);
