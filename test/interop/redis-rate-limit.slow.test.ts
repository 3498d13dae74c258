import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { buildCommandLine } from '../support/command-line.js';
import { until } from '../support/condition.js';
import { requireTool } from '../support/debian.js';
import { testWith } from '../support/where.js';

const PROGRAM = join(__dirname, 'programs/rate-limited.mjs');
const redisServer = requireTool('redis-server');
const children: ChildProcess[] = [];
let folder: string;

beforeAll(() => {
  buildCommandLine();
  folder = mkdtempSync(join(tmpdir(), 'millrace-redis-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Line {
  port?: number;
  failures?: number;
  refused?: number;
  requests?: number;
  level?: string;
  message?: string;
  fields?: { policy?: string; failures?: number; err?: { message: string } };
}

/** A Redis on a Unix socket of its own, that keeps nothing. */
async function startRedis(path: string): Promise<ChildProcess> {
  const args = ['--port', '0', '--unixsocket', path, '--save', '', '--appendonly', 'no', '--dir', folder];
  const child = spawn(redisServer as string, args, { stdio: 'ignore' });
  children.push(child);
  let answers = false;
  while (!answers) {
    const probe = connect(path);
    answers = await once(probe, 'connect').then(
      () => true,
      () => false,
    );
    probe.destroy();
    if (child.exitCode !== null) throw new Error(`redis-server ended with status ${child.exitCode}`);
  }
  return child;
}

/** A process with a server whose limits are counted in the Redis. */
class Limited {
  readonly lines: Line[] = [];
  private readonly _child: ChildProcess;

  constructor(path: string) {
    const env: NodeJS.ProcessEnv = { ...process.env };
    delete env.NODE_OPTIONS;
    this._child = spawn(process.execPath, [PROGRAM, path], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(this._child);
    createInterface({ input: this._child.stdout! }).on('line', (line) => this.lines.push(JSON.parse(line) as Line));
  }

  /** It listens; a busy machine takes its time to start a process. */
  async started(): Promise<this> {
    while (this.lines.length === 0) {
      if (this._child.exitCode !== null) throw new Error(`the server ended with status ${this._child.exitCode}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return this;
  }

  async get(target: string): Promise<{ status: number; retryAfter: string | null }> {
    const signal = AbortSignal.timeout(5_000);
    try {
      const response = await fetch(`http://127.0.0.1:${this.lines[0].port}${target}`, { signal });
      await response.text();
      return { status: response.status, retryAfter: response.headers.get('retry-after') };
    } catch (cause) {
      const said = JSON.stringify(this.lines.slice(-5));
      throw new Error(`${target} was not answered; the server said last ${said}`, { cause });
    }
  }

  async statuses(target: string, count: number): Promise<number[]> {
    return Promise.all(Array.from({ length: count }, async () => (await this.get(target)).status));
  }

  async counts(): Promise<Line> {
    const before = this.lines.length;
    this._child.stdin!.write('\n');
    const found = (): Line | undefined => this.lines.slice(before).find((line) => line.failures !== undefined);
    await until(() => found() !== undefined);
    return found() as Line;
  }

  said(message: string): Line[] {
    return this.lines.filter((line) => line.message === message);
  }
}

/** Asks until the store answers again: each answer that the policy gave says that it does not yet. */
async function recovered(server: Limited, target: string, wanted: number): Promise<void> {
  const end = performance.now() + 10_000;
  while ((await server.get(target)).status !== wanted) {
    if (performance.now() > end) throw new Error(`no ${wanted} within 10 s of the store's return`);
  }
}

testWith(redisServer)(
  'a limit in Redis holds across processes, and its policy while Redis is slow or down',
  async () => {
    const path = join(folder, 'redis.sock');
    let redis = await startRedis(path);
    const [one, two] = await Promise.all([new Limited(path).started(), new Limited(path).started()]);

    // Four for both together.
    for (const target of ['/open/x', '/closed/x']) {
      expect(await one.statuses(target, 2)).toEqual([200, 200]);
      expect(await two.statuses(target, 2)).toEqual([200, 200]);
      for (const server of [one, two]) {
        const { status, retryAfter } = await server.get(target);
        expect([status, Number(retryAfter) > 1 && Number(retryAfter) <= 600]).toEqual([429, true]);
      }
    }
    expect(await one.counts()).toMatchObject({ failures: 0, refused: 2, requests: 0 });

    // Slow: it takes commands and says nothing.
    redis.kill('SIGSTOP');
    expect(await one.statuses('/open', 20)).toEqual(Array(20).fill(200));
    expect(await one.statuses('/closed', 20)).toEqual(Array(20).fill(503));
    expect(await one.get('/closed')).toEqual({ status: 503, retryAfter: '1' });
    expect(await one.counts()).toMatchObject({ failures: 41, refused: 2, requests: 0 });
    expect(one.said('a rate limit store failed')).toEqual([
      expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ policy: 'open', failures: 1 }) }),
      expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ policy: 'closed', failures: 1 }) }),
    ]);

    // Back again, with what it knew: the two limits have been used up.
    redis.kill('SIGCONT');
    await recovered(one, '/open', 429);
    await recovered(one, '/closed', 429);
    expect(one.said('a rate limit store answers again').map((line) => line.level)).toEqual(['info', 'info']);

    // Down.
    redis.kill('SIGKILL');
    await once(redis, 'exit');
    expect(await two.statuses('/open', 20)).toEqual(Array(20).fill(200));
    expect(await two.statuses('/closed', 20)).toEqual(Array(20).fill(503));
    expect((await two.counts()).failures).toBe(40);

    // Another one in its place, which knows nothing: four for both together, as before.
    rmSync(path, { force: true });
    redis = await startRedis(path);
    await recovered(two, '/closed', 200);
    await recovered(one, '/closed', 200);
    await recovered(one, '/closed', 429);
    expect(await two.get('/closed')).toMatchObject({ status: 429 });
    for (const server of [one, two]) expect(await server.counts()).toMatchObject({ requests: 0 });
  },
  60_000,
);
