import { spawn } from 'node:child_process';
import { join } from 'node:path';

import type { NodeBinary } from './nodes.js';
import { ownNode } from './nodes.js';

const TEST = join(__dirname, '..');

/** How a program is run. */
export interface ProgramOptions {
  readonly node?: NodeBinary;
  readonly poller?: string;
  /** Arguments of Node itself. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The folder of test/ that has it in its `programs`. */
  readonly folder?: string;
  /** A command that runs it: this, then Node, then the program. */
  readonly under?: readonly string[];
  /** After so many milliseconds it is ended, and its signal is SIGKILL. */
  readonly timeout?: number;
}

/** How a program ended, and what it said. */
export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of test/border/programs, or of another folder's, to its end. */
export function runProgram(name: string, args: readonly string[] = [], options: ProgramOptions = {}): Promise<Outcome> {
  const { node = ownNode, poller, flags = [], under = [], timeout = 60_000, folder = 'border' } = options;
  const env: NodeJS.ProcessEnv = { ...process.env, ...options.env };
  // Jest's own settings are not the program's.
  for (const key of ['NODE_OPTIONS', 'JEST_WORKER_ID', 'NODE_ENV']) delete env[key];
  if (poller !== undefined) env.MILLRACE_POLLER = poller;
  return new Promise((resolve, reject) => {
    const program = join(TEST, folder, 'programs', name);
    const [command, ...rest] = [...under, node.path, ...flags, program, ...args];
    const child = spawn(command, rest, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
}
