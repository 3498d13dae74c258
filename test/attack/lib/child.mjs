// A program of ours in a process of its own, which answers by messages.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PROGRAMS = new URL('../programs/', import.meta.url);

export class Child {
  #messages = [];
  #waiting;
  said = '';

  constructor(program, args, { poller, flags = [], within = [] } = {}) {
    const env = { ...process.env };
    for (const key of ['NODE_OPTIONS', 'JEST_WORKER_ID', 'NODE_ENV', 'MILLRACE_POLLER']) delete env[key];
    if (poller !== undefined) env.MILLRACE_POLLER = poller;
    const stdio = ['ignore', 'pipe', 'pipe', 'ipc'];
    // `within`: a program that becomes ours, such as `unshare --net`.
    const [execPath, ...execArgv] = [...within, process.execPath, ...flags];
    this.process = fork(fileURLToPath(new URL(program, PROGRAMS)), args, { env, stdio, execPath, execArgv });
    for (const stream of [this.process.stdout, this.process.stderr])
      stream.setEncoding('utf8').on('data', (text) => (this.said += text));
    this.ended = once(this.process, 'close');
    this.process.on('message', (message) => {
      this.#messages.push(message);
      this.#waiting?.();
    });
    this.process.on('close', () => this.#waiting?.());
  }

  get pid() {
    return this.process.pid;
  }

  get isGone() {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** The next message that has not been taken, if there is one. */
  poll() {
    return this.#messages.shift();
  }

  /** The next message; rejects when the process ends without one. */
  async next() {
    while (this.#messages.length === 0) {
      if (this.isGone)
        throw new Error(`a process ended (${this.process.exitCode ?? this.process.signalCode}): ${this.said}`);
      await new Promise((resolve) => (this.#waiting = resolve));
    }
    return this.#messages.shift();
  }

  ask(message) {
    if (this.process.connected) this.process.send(message);
    return this.next();
  }

  /** Ends it, whatever it does. */
  async end() {
    if (!this.isGone) this.process.kill('SIGKILL');
    await this.ended;
  }

  /** Milliseconds that its first thread was ready to run and had no processor. */
  waited() {
    return waitedFor(this.pid);
  }

  /** Resident memory in MiB: now, and at its highest. */
  resident() {
    const text = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    const mib = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1]) / 1_024;
    return { now: mib('VmRSS'), highest: mib('VmHWM') };
  }
}

/** As `Child.waited`, of any process. */
export function waitedFor(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}
