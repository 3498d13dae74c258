import type { Server } from '../../ts/index.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, start } from '../support/test-server.js';
import { readVectors } from '../support/vectors.js';

endsWithItsTest();

// The parser names bytes behind the last message an error; the server has answered that message with `close` and
// drops them unread (RFC 9112 §9.6), so their answer is the message's own.
const BEHIND_THE_LAST = ['bytes after a message that ends the connection', 'bytes after an HTTP/1.0 message'];
const vectors = readVectors();
const accepted = vectors.accepted;
const malformed = vectors.malformed.map((row) => (BEHIND_THE_LAST.includes(row.name) ? { ...row, status: 200 } : row));
const seed = Number(process.env['MILLRACE_SEED'] ?? Date.now() % 0x7fff_ffff);

/** A generator of Lehmer's kind: enough to cut bytes. */
function random(from: number): (below: number) => number {
  let state = (from % 0x7fff_fffe) + 1;
  return (below) => (state = (state * 48_271) % 0x7fff_ffff) % below;
}

const listen = (): Promise<Server> =>
  start({
    onError: () => 500,
    handler: async (req, res) => {
      await req.bytes();
      res.end('ok');
    },
  });

/** The last final status, and whether the server closed. */
async function outcome(server: Server, pieces: Buffer[]): Promise<string> {
  const client = await RawClient.connect(server);
  for (const piece of pieces) await client.sent(piece);
  client.end();
  const text = (await client.rest()).toString('latin1');
  client.destroy();
  const statuses = [...text.matchAll(/HTTP\/1\.1 ([2-5]\d\d) /g)].map(([, status]) => status);
  return `${statuses.at(-1) ?? 'none'}${/connection: close\r\n/i.test(text) ? ' close' : ''}`;
}

function cut(bytes: Buffer, next: (below: number) => number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let place = 0; place < bytes.length;) {
    const size = 1 + next(Math.max(1, Math.min(bytes.length - place, 24)));
    pieces.push(bytes.subarray(place, place + size));
    place += size;
  }
  return pieces;
}

async function wrongOf(server: Server, rows: typeof malformed, pieces: (bytes: Buffer) => Buffer[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const { name, bytes, status } of rows) {
    const got = await outcome(server, pieces(bytes));
    if (got !== `${status} close`) wrong.push(`${name}: expected ${status} close, got ${got}`);
  }
  return wrong;
}

const short = malformed.filter(({ bytes }) => bytes.length < 300);

test('refuses every malformed request with its status and closes', async () => {
  expect(malformed.length).toBeGreaterThan(100);
  expect(await wrongOf(await listen(), malformed, (bytes) => [bytes])).toEqual([]);
});

test('refuses them the same way byte by byte', async () => {
  const rows = short.slice(0, 80);
  expect(rows.length).toBeGreaterThanOrEqual(60);
  expect(await wrongOf(await listen(), rows, (bytes) => [...bytes].map((byte) => Buffer.of(byte)))).toEqual([]);
});

test(`refuses them the same way in random pieces (MILLRACE_SEED=${seed})`, async () => {
  const next = random(seed);
  expect(await wrongOf(await listen(), short, (bytes) => cut(bytes, next))).toEqual([]);
});

test('serves a good request before it, then refuses', async () => {
  const server = await listen();
  const good = Buffer.from(get('/good'));
  const wrong: string[] = [];
  for (const { name, bytes, status } of malformed) {
    const client = await RawClient.connect(server);
    client.send(Buffer.concat([good, bytes])).end();
    const first = await client.response();
    const text = (await client.rest()).toString('latin1');
    client.destroy();
    const last = [...text.matchAll(/HTTP\/1\.1 ([2-5]\d\d) /g)].at(-1)?.[1];
    if (first.status !== 200 || last !== String(status))
      wrong.push(`${name}: got ${first.status}, then ${String(last)}`);
  }
  expect(wrong).toEqual([]);
});

test('accepts every near miss', async () => {
  const server = await listen();
  const wrong: string[] = [];
  for (const { name, bytes, messages } of accepted) {
    if (messages === 0 || bytes.toString('latin1').includes('CONNECT ')) continue;
    const got = await outcome(server, [bytes]);
    if (!got.startsWith('200')) wrong.push(`${name}: got ${got}`);
  }
  expect(wrong).toEqual([]);
});
