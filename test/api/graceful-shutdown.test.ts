import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

import { gracefulShutdown } from '../../ts/index.js';
import { buildCommandLine } from '../support/command-line.js';
import { until } from '../support/condition.js';
import { cutClients, RawClient } from '../support/raw-client.js';
import { get } from '../support/test-server.js';

const PROGRAM = join(__dirname, '../border/programs/graceful.mjs');

/** A child process with two servers. */
class Graceful {
  private readonly _child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly _ended: Promise<unknown[]>;
  out = '';

  constructor(options: object) {
    const env: NodeJS.ProcessEnv = { ...process.env };
    delete env.NODE_OPTIONS;
    this._child = spawn(process.execPath, [PROGRAM, JSON.stringify(options)], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this._child.stdout.setEncoding('utf8').on('data', (text: string) => (this.out += text));
    this._child.stdin.on('error', () => undefined);
    this._ended = once(this._child, 'close');
    running.push(this);
  }

  says(text: string): Promise<void> {
    return until(
      () => this.out.includes(text),
      () => `${JSON.stringify(text)}; it said ${JSON.stringify(this.out)}`,
    );
  }

  async ports(): Promise<number[]> {
    await this.says('\n');
    return (/ports (\d+) (\d+)/.exec(this.out) as RegExpExecArray).slice(1).map(Number);
  }

  tell(line: string): void {
    this._child.stdin.write(`${line}\n`);
  }

  kill(signal: NodeJS.Signals): void {
    this._child.kill(signal);
  }

  /** The exit code and the signal that ended it. */
  async end(): Promise<unknown[]> {
    return this._ended;
  }
}

const running: Graceful[] = [];

beforeAll(buildCommandLine);
afterEach(async () => {
  cutClients();
  for (const program of running.splice(0)) {
    program.kill('SIGKILL');
    await program.end();
  }
});

/** A program with a request in flight. */
async function asked(options: object): Promise<{ program: Graceful; client: RawClient; ports: number[] }> {
  const program = new Graceful(options);
  const ports = await program.ports();
  const client = await RawClient.connect({ port: ports[0] });
  client.send(get('/slow'));
  await program.says('asked');
  return { program, client, ports };
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s: what is in flight is finished, all servers close, the status is 0',
  async (signal) => {
    const { program, client, ports } = await asked({ hook: true });
    program.kill(signal);
    await program.says(`onSignal ${signal}`);
    await program.says('closed');
    await expect(RawClient.connect({ port: ports[1] })).rejects.toThrow('ECONNREFUSED');
    program.tell('answer');
    const { body, headers } = await client.response();
    expect([body.toString(), headers.connection]).toEqual(['slow', ['close']]);
    expect(await program.end()).toEqual([0, null]);
    expect(program.out.match(/closed/g)).toHaveLength(2);
    expect(program.out).toContain('exit');
  },
);

test('a connection that is idle may bring a request for `idle` ms after the signal', async () => {
  const { program, client, ports } = await asked({ hook: true, idle: 60_000 });
  const idle = await RawClient.connect({ port: ports[1] });
  await idle.send(get('/')).response();
  program.kill('SIGTERM');
  await program.says('onSignal');
  // The second server says so once its last connection is gone.
  const { headers } = await idle.send(get('/')).response();
  expect(headers.connection).toEqual(['close']);
  await idle.closed();
  program.tell('answer');
  await client.response();
  expect(await program.end()).toEqual([0, null]);
});

test('what has not finished at the deadline is cut, and the status is 1', async () => {
  const { program, client } = await asked({ timeout: 50 });
  program.kill('SIGTERM');
  await client.closed();
  expect(await program.end()).toEqual([1, null]);
});

test('a server that cannot be closed does not keep the others open, and the status is 1', async () => {
  const program = new Graceful({ unclosable: true });
  await program.ports();
  program.kill('SIGTERM');
  expect(await program.end()).toEqual([1, null]);
  expect(program.out.match(/closed/g)).toHaveLength(2);
});

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('a second signal, %s, forces: the status is 128 and its number', async (second, status) => {
  const { program } = await asked({ hook: true });
  program.kill('SIGTERM');
  await program.says('onSignal');
  program.kill(second);
  expect(await program.end()).toEqual([status, null]);
});

test('with `exit: false` the process goes on, the handlers gone when all is closed', async () => {
  const { program, client } = await asked({ exit: false });
  program.kill('SIGTERM');
  await program.says('closed');
  program.tell('handlers');
  await program.says('handlers 1 1');
  program.tell('answer');
  await client.response();
  await until(() => program.out.match(/closed/g)?.length === 2);
  // Nothing holds it any more but us.
  expect(await program.end()).toEqual([0, null]);
});

test('its own list of signals is the one that counts', async () => {
  const program = new Graceful({ signals: ['SIGUSR2'] });
  await program.ports();
  program.tell('handlers');
  await program.says('handlers 0 0');
  program.kill('SIGUSR2');
  expect(await program.end()).toEqual([0, null]);
});

test('what it answers with takes the handlers away: the signal then ends the process as ever', async () => {
  const program = new Graceful({});
  await program.ports();
  program.tell('dispose');
  await program.says('disposed');
  program.tell('handlers');
  await program.says('handlers 0 0');
  program.kill('SIGTERM');
  expect(await program.end()).toEqual([null, 'SIGTERM']);
});

test.each<[string, object, string]>([
  ['an unknown signal', { signals: ['SIGNONE'] }, 'there is no signal "SIGNONE"'],
  ['a signal that cannot be handled', { signals: ['SIGKILL'] }, 'the signal "SIGKILL" cannot be handled'],
  ['a timeout below zero', { timeout: -1 }, 'the timeout must be an integer from 0'],
  ['a time for idle connections that is none', { idle: 0.5 }, 'the idle must be an integer from 0'],
])('%s is refused, and no handler is left', (_name, options, message) => {
  const before = process.listenerCount('SIGTERM');
  expect(() => gracefulShutdown([], options)).toThrow(message);
  expect(process.listenerCount('SIGTERM')).toBe(before);
});
