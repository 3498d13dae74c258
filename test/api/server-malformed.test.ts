import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Server } from '../../ts/index.js';
import { serve } from '../../ts/index.js';
import { cutClients, RawClient } from '../support/raw-client.js';
import { get } from '../support/test-server.js';

interface Row {
  name: string;
  section: string;
  request?: string;
  repeat?: { before: string; text: string; times: number; after: string };
  status: number;
  code?: string;
}

const table = JSON.parse(readFileSync(join(__dirname, '../vectors/http1-malformed.json'), 'utf8')) as {
  malformed: Row[];
  accepted: Row[];
};

/** Bytes behind a message that ends the connection are dropped: its own answer stands (RFC 9112 §9.6). */
function expected(row: Row): number {
  return row.code === 'MILLRACE_HTTP_UNEXPECTED_DATA' ? 200 : row.status;
}

function bytesOf({ request, repeat }: Row): Buffer {
  const text =
    request ?? `${repeat?.before ?? ''}${(repeat?.text ?? '').repeat(repeat?.times ?? 0)}${repeat?.after ?? ''}`;
  return Buffer.from(text, 'latin1');
}

/** Rows whose first error is not in the first message are answered once for each message before it. */
async function lastStatus(client: RawClient): Promise<number> {
  const all = (await client.rest()).toString('latin1');
  const lines = [...all.matchAll(/HTTP\/1\.1 (\d{3}) /g)];
  return Number(lines.at(-1)?.[1]);
}

const SEED = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000);
let state = SEED;
function random(below: number): number {
  state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
  return state % below;
}

let server: Server;
beforeAll(async () => {
  process.stdout.write(`seed of the random splits: ${SEED}\n`);
  server = await serve({
    host: '127.0.0.1',
    handler: async (req, res) => {
      if (req.url !== '/good') await req.bytes().catch(() => undefined);
      res.end('ok');
    },
  });
});
afterEach(cutClients);
afterAll(() => server.destroy());

const short = table.malformed.filter((row) => bytesOf(row).length < 600);

test('the table has the rows that the issue asks for', () => {
  expect(table.malformed.length).toBeGreaterThanOrEqual(60);
  expect(short.length).toBeGreaterThanOrEqual(60);
});

test.each(table.malformed.map((row) => [row.name, row] as const))('whole: %s', async (_name, row) => {
  const client = await RawClient.connect(server);
  client.send(bytesOf(row));
  expect(await lastStatus(client)).toBe(expected(row));
});

test.each(short.map((row) => [row.name, row] as const))('byte by byte: %s', async (_name, row) => {
  const client = await RawClient.connect(server);
  for (const byte of bytesOf(row)) {
    await client.sent(Buffer.of(byte));
    if (client.ended) break;
  }
  expect(await lastStatus(client)).toBe(expected(row));
});

test.each(short.map((row) => [row.name, row] as const))('in random pieces: %s', async (_name, row) => {
  const client = await RawClient.connect(server);
  const bytes = bytesOf(row);
  for (let at = 0; at < bytes.length && !client.ended;) {
    const size = 1 + random(Math.max(1, bytes.length - at));
    await client.sent(bytes.subarray(at, at + size));
    await new Promise((resolve) => setImmediate(resolve));
    at += size;
  }
  expect(await lastStatus(client)).toBe(expected(row));
});

test.each(short.map((row) => [row.name, row] as const))('behind a good request: %s', async (_name, row) => {
  const client = await RawClient.connect(server);
  client.send(Buffer.concat([Buffer.from(get('/good')), bytesOf(row)]));
  expect((await client.response()).status).toBe(200);
  expect(await lastStatus(client)).toBe(expected(row));
});

test.each(table.accepted.map((row) => [row.name, row] as const))('accepted: %s', async (_name, row) => {
  const client = await RawClient.connect(server);
  client.send(bytesOf(row)).end();
  const all = (await client.rest()).toString('latin1');
  const statuses = [...all.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  expect(statuses.length).toBeGreaterThan(0);
  // 405: CONNECT without a hook; 100: an expectation met.
  for (const status of statuses) expect([100, 200, 405]).toContain(status);
});
