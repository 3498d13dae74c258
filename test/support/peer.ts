import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';

import { until } from './condition.js';

/** A program that others wrote, spoken to over its standard streams. */
export class Peer {
  readonly child: ChildProcess;
  output = '';
  code: number | null | undefined;

  constructor(program: string, args: readonly string[]) {
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const take = (text: string): void => void (this.output += text);
    this.child.stdout?.setEncoding('latin1').on('data', take);
    this.child.stderr?.setEncoding('latin1').on('data', take);
    this.child.stdin?.on('error', () => undefined);
    this.child.on('close', (code) => (this.code = code));
  }

  send(text: string | Uint8Array): this {
    this.child.stdin?.write(text);
    return this;
  }

  end(): this {
    this.child.stdin?.end();
    return this;
  }

  /** Resolves when it has said what is looked for. */
  says(wanted: string | RegExp): Promise<void> {
    const holds = (): boolean => (typeof wanted === 'string' ? this.output.includes(wanted) : wanted.test(this.output));
    return until(
      () => {
        if (!holds() && this.code !== undefined)
          throw new Error(`it ended before it said ${String(wanted)}: ${this.output}`);
        return holds();
      },
      () => `${String(wanted)} is not in: ${this.output}`,
    );
  }

  /** Resolves with what it has said when it is over. */
  async over(): Promise<string> {
    await until(
      () => this.code !== undefined,
      () => `it goes on: ${this.output}`,
    );
    return this.output;
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}
