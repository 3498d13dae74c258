import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
const MAIN = join(ROOT, 'dist/cli/main.js');

/** Brings dist/ up to date: the command line runs as it is shipped. */
export function buildCommandLine(): void {
  execFileSync(process.execPath, [join(ROOT, 'scripts/build.mjs'), '--only', 'typescript'], { stdio: 'pipe' });
}

/** A running `millrace …`, its output so far, and how it ended. */
export class CommandLine {
  readonly child: ChildProcess;
  out = '';
  err = '';
  private readonly _ended: Promise<[number | null, NodeJS.Signals | null]>;

  constructor(args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
    this.child = spawn(process.execPath, [MAIN, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.out += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.err += text));
    this._ended = once(this.child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  }

  /** Resolves with the match when one of the outputs has it; rejects when the process ends before. */
  async says(stream: 'out' | 'err', pattern: RegExp): Promise<RegExpExecArray> {
    const source = stream === 'out' ? this.child.stdout : this.child.stderr;
    const gone = this._ended.then(() => true);
    for (;;) {
      const match = pattern.exec(this[stream]);
      if (match !== null) return match;
      const more = once(source as NodeJS.ReadableStream & NodeJS.EventEmitter, 'data').then(() => false);
      more.catch(() => undefined);
      if ((await Promise.race([more, gone])) && !pattern.test(this[stream])) {
        throw new Error(`it ended without saying ${String(pattern)}\n${this.out}\n${this.err}`);
      }
    }
  }

  /** The URL that it says it answers at. */
  async url(): Promise<string> {
    return (await this.says('out', /serving .* at (http:\S+\/)/))[1];
  }

  /** The exit status. */
  async status(): Promise<number | null> {
    return (await this._ended)[0];
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}
