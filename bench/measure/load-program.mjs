// A program that others wrote, as a load on a core of its own.
import { spawn } from 'node:child_process';

/** How long after its time it is ended, in ms. */
const LIMIT_BEYOND = 20_000;

/** Runs one that works for some seconds; what it printed. */
export function runLoadProgram(core, command, args, seconds) {
  return new Promise((resolve, reject) => {
    const child = spawn('taskset', ['-c', String(core), command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (out += text));
    const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1_000 + LIMIT_BEYOND);
    child.once('error', reject);
    child.once('close', (status, signal) => {
      clearTimeout(timer);
      if (status === 0) resolve(out);
      else reject(new Error(`${command} ended with ${signal ?? `status ${status}`}\n${out.trim().slice(-2_000)}`));
    });
  });
}
