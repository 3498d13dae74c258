// What a phase of the check is made of: its outcomes, and programs that end in time and leave nothing behind.
import { spawn } from 'node:child_process';
import { root } from '../lib/root.mjs';

/** Thrown by a phase that cannot run here; the message is the reason. */
export class Skip extends Error {}

/** Thrown by a phase that failed; the message is everything a reader needs. */
export class Failure extends Error {}

const running = new Set();

/** Ends every program that a phase started and that still runs, with its children. */
export function stopAll() {
  for (const child of running) kill(child);
}

function kill(child) {
  try {
    // The child leads a process group of its own (except on Windows, which has none).
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
  } catch {
    // it has ended meanwhile
  }
}

/**
 * Runs a program and resolves to { status, out, stdout, stderr }, whatever its status; `out` is both. It reads no input
 * and is ended with its children after `timeout` milliseconds. With `loud`, its output is also shown as it comes.
 */
export function collect(program, args, { timeout = 15 * 60_000, loud = false, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      ...options,
    });
    running.add(child);
    let out = '';
    let stdout = '';
    let stderr = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      kill(child);
    }, timeout);
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
      stdout += text;
      if (loud) process.stdout.write(text);
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      out += text;
      stderr += text;
      if (loud) process.stderr.write(text);
    });
    const done = (status) => {
      clearTimeout(timer);
      running.delete(child);
      if (late) out += `\n${program} was ended after ${timeout / 1000} s`;
      resolve({ status: late ? -1 : status, out, stdout, stderr });
    };
    child.on('error', (error) => {
      out += error.message;
      done(-1);
    });
    child.on('close', (status, signal) => {
      if (signal && !late) out += `\n${program} was ended by ${signal}`;
      done(status ?? -1);
    });
  });
}

/** Like `collect`, but a status other than 0 fails the phase with what the program printed. */
export async function demand(program, args, options = {}) {
  const result = await collect(program, args, options);
  if (result.status === 0) return result;
  const said = options.loud ? '' : `\n${result.out.trim()}`;
  throw new Failure(`${[program, ...args].join(' ')} failed (status ${result.status})${said}`);
}

/** Runs a script with this Node, as `demand` does. */
export const node = (args, options) => demand(process.execPath, args, options);

/**
 * Runs every step of a phase, so that one look shows all that is wrong: [name, reason not to run or null, function].
 * Fails with what failed; resolves to a note that names the steps left out; skips the phase when all were.
 */
export async function steps(list) {
  const wrong = [];
  const left = [];
  for (const [name, obstacle, body] of list) {
    if (obstacle) {
      left.push(`${name} left out: ${obstacle}`);
      continue;
    }
    try {
      await body();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      wrong.push(error.message);
    }
  }
  if (wrong.length) throw new Failure(wrong.join('\n\n'));
  if (left.length === list.length) throw new Skip(left.join('; '));
  return left.join('; ');
}

/** Why a subcommand of cargo cannot run here, or null. */
export async function cargoLacks(subcommand) {
  const { status } = await collect('cargo', [subcommand, '--version']);
  return status === 0 ? null : `cargo ${subcommand} is not installed`;
}
