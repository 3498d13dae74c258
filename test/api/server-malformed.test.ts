import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Server } from '../../ts/index.js';
import { serve } from '../../ts/index.js';
import { cutClients, RawClient } from '../support/raw-client.js';
import { SEED, randomOf } from '../support/seed.js';
import { destroyed, get, tlsOfAll } from '../support/test-server.js';

interface Row {
  name: string;
  /** The document and section whose words decide, and what is at stake. */
  rfc: string;
  why: string;
  request?: string;
  repeat?: { before: string; text: string; times: number; after: string };
  status: number;
  code?: string;
  /** Of an accepted row: how many requests it holds. */
  messages?: number;
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

const random = randomOf(SEED);

let server: Server;
beforeAll(async () => {
  process.stdout.write(`seed of the random splits: ${SEED}\n`);
  server = await serve({
    host: '127.0.0.1',
    ...tlsOfAll(),
    handler: async (req, res) => {
      if (req.url !== '/good') await req.bytes().catch(() => undefined);
      res.end('ok');
    },
  });
});
afterEach(cutClients);
afterAll(() => destroyed(server));

/** How a row's bytes are cut into packets, and whether a good request goes before them. */
const WAYS: Record<string, (bytes: Buffer) => Buffer[]> = {
  whole: (bytes) => [bytes],
  'byte by byte': (bytes) => {
    // The long rows repeat one text up to a limit: single bytes at their ends, small pieces between.
    const from = bytes.length > 2_000 ? 400 : bytes.length;
    const to = Math.max(from, bytes.length - 400);
    return [
      ...pieces(bytes.subarray(0, from), () => 1),
      ...pieces(bytes.subarray(from, to), () => 1 + random(500)),
      ...pieces(bytes.subarray(to), () => 1),
    ];
  },
  'in random pieces': (bytes) => pieces(bytes, () => 1 + random(bytes.length)),
  'behind a good request': (bytes) => [Buffer.concat([Buffer.from(get('/good')), bytes])],
};
const GOOD = 'behind a good request';

function pieces(bytes: Buffer, size: () => number): Buffer[] {
  const all: Buffer[] = [];
  for (let at = 0, end = 0; at < bytes.length; at = end) {
    end = Math.min(bytes.length, at + size());
    all.push(bytes.subarray(at, end));
  }
  return all;
}

/** Sends each packet in a turn of the loop of its own, until the server has ended. */
async function sendAll(client: RawClient, packets: Buffer[]): Promise<void> {
  for (const packet of packets) {
    if (client.ended) return;
    await client.sent(packet);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const each = (rows: Row[]) => Object.keys(WAYS).flatMap((way) => rows.map((row) => [way, row.name, row] as const));

test('the table has the rows that are asked for, each with its section', () => {
  expect(table.malformed.length).toBeGreaterThanOrEqual(220);
  for (const { name, rfc, why } of [...table.malformed, ...table.accepted]) {
    expect([name, rfc]).toEqual([name, expect.stringMatching(/^RFC \d{4} §\d+(\.\d+)*$/)]);
    expect([name, why]).toEqual([name, expect.stringMatching(/.{10,}\.$/)]);
  }
});

test.each(each(table.malformed))('%s: %s', async (way, _name, row) => {
  const client = await RawClient.connect(server);
  await sendAll(client, WAYS[way](bytesOf(row)));
  if (way === GOOD) expect((await client.response()).status).toBe(200);
  expect(await lastStatus(client)).toBe(expected(row));
});

test.each(each(table.accepted))('%s, accepted: %s', async (way, _name, row) => {
  const client = await RawClient.connect(server);
  await sendAll(client, WAYS[way](bytesOf(row)));
  client.end();
  const all = (await client.rest()).toString('latin1');
  const statuses = [...all.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  // 405: CONNECT without a hook; 100: an expectation met.
  for (const status of statuses) expect([100, 200, 405]).toContain(status);
  const messages = (row.messages ?? 0) + (way === GOOD ? 1 : 0);
  expect(statuses.filter((status) => status !== 100)).toHaveLength(messages);
});
