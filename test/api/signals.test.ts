import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { buildCommandLine } from '../support/command-line.js';
import { until } from '../support/condition.js';
import { cutClients, RawClient } from '../support/raw-client.js';
import { get } from '../support/test-server.js';

const PROGRAM = join(__dirname, '../border/programs/signals.mjs');

let child: ChildProcess;
const lines: Record<string, unknown>[] = [];

beforeAll(() => {
  buildCommandLine();
  const env: NodeJS.ProcessEnv = { ...process.env };
  delete env.NODE_OPTIONS;
  child = spawn(process.execPath, [PROGRAM], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  createInterface({ input: child.stdout! }).on('line', (line) => {
    lines.push(JSON.parse(line) as Record<string, unknown>);
  });
});
afterAll(() => {
  cutClients();
  child.kill('SIGKILL');
});

/** A busy machine takes its time to start a process. */
async function port(): Promise<number> {
  while (lines.length === 0) {
    if (child.exitCode !== null) throw new Error(`the server ended with status ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return lines[0].port as number;
}

async function report(): Promise<Record<string, unknown>> {
  const before = lines.length;
  child.stdin!.write('\n');
  await until(() => lines.length > before);
  return lines[before];
}

/** Asks for more than the kernels hold, takes the first bytes and resets, so that the server writes to nobody. */
async function leave(target: string): Promise<void> {
  const client = await RawClient.connect({ port: await port() });
  await client.send(get(target)).until('\r\n\r\n');
  client.reset();
}

test('clients that go away raise no SIGPIPE, and signals disturb no request; masks and handlers stay as they were', async () => {
  const place = { port: await port() };
  const pepper = setInterval(() => child.kill('SIGUSR2'), 1);
  try {
    const kept = await RawClient.connect(place);
    for (let round = 0; round < 20; round++) {
      await Promise.all([leave('/big'), leave('/file')]);
      for (let request = 0; request < 10; request++) {
        const { status, body } = await kept.send(get('/')).response();
        expect([status, body.toString()]).toEqual([200, 'ok']);
      }
    }
    const large = await (await RawClient.connect(place)).send(get('/big', 'Connection: close')).response();
    expect(large.body).toHaveLength(4 << 20);
  } finally {
    clearInterval(pepper);
  }
  const { SIGPIPE, SIGUSR2, same } = await report();
  expect({ SIGPIPE, same }).toEqual({ SIGPIPE: 0, same: true });
  expect(SIGUSR2).toBeGreaterThan(10);
});
