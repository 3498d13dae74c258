// A child process that is spoken to in lines: commands on its standard input, answers on its standard output.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const STOP_LIMIT = 3_000;

/** A child process of ours. Its standard input stays open; when we die, it ends, and the child with it. */
export class Dialogue {
  #child;
  #lines = [];
  #waiting = null;
  #errors = '';
  #ended;

  /** Starts a program pinned to a core. */
  constructor(core, program, args, env = {}) {
    this.#child = spawn('taskset', ['-c', String(core), program, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.#child.stdin.on('error', () => {}); // it may have gone; its end is seen below
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#errors = (this.#errors + text).slice(-4_000);
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#lines.push(line);
      this.#waiting?.();
    });
    this.#ended = new Promise((resolve) => {
      const end = (reason) => {
        this.ended = reason;
        this.#waiting?.();
        resolve();
      };
      this.#child.once('error', (error) => end(error.message));
      this.#child.once('close', (status, signal) => end(`ended with ${signal ?? `status ${status}`}`));
    });
  }

  /** Why the process is no longer there, or null. */
  ended = null;

  /** The process: taskset replaces itself by the program, so this is the program's. */
  get pid() {
    return this.#child.pid;
  }

  /** Sends a line. */
  say(line) {
    this.#child.stdin.write(`${line}\n`);
  }

  /** The rest of the next line that begins with a word; other lines before it are dropped. */
  async hear(word, limit) {
    const until = Date.now() + limit;
    for (;;) {
      while (this.#lines.length) {
        const line = this.#lines.shift();
        if (line === word) return '';
        if (line.startsWith(`${word} `)) return line.slice(word.length + 1);
      }
      if (this.ended) throw new Error(`${this.ended} before it said "${word}"\n${this.#errors.trim()}`);
      const left = until - Date.now();
      if (left <= 0) throw new Error(`it did not say "${word}" within ${limit} ms\n${this.#errors.trim()}`);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#waiting = null;
    }
  }

  /** Ends the process: by closing its input, then, if it does not go, by a signal. */
  async stop() {
    if (this.ended) return;
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_LIMIT);
    await this.#ended;
    clearTimeout(timer);
  }
}
