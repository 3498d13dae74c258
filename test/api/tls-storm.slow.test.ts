import { connect as connectTcp } from 'node:net';
import type { Socket as NodeSocket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { TlsContext } from '../../ts/index.js';
import { until } from '../support/condition.js';
import type { Issued } from '../support/pki.js';
import { Authority } from '../support/pki.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, start } from '../support/test-server.js';

/** `MILLRACE_TLS_STORM=60000` is the long form. */
const RELOADING_MS = Number(process.env.MILLRACE_TLS_STORM ?? 4_000);
const STALLED = 2_000;

let root: Authority;
let pair: Issued[];

beforeAll(async () => {
  root = await Authority.root();
  pair = await Promise.all(
    ['one.test', 'two.test'].map((commonName) => root.issue({ names: ['localhost', commonName], commonName })),
  );
});

endsWithItsTest();

test(
  'certificates that change every 10 ms under load fail no handshake, and are never mixed',
  async () => {
    const materialOf = (at: number): { cert: string; key: string } => ({ cert: pair[at].cert, key: pair[at].key });
    const context = await TlsContext.server(materialOf(0));
    const server = await start({ tls: context, handler: (_req, res) => res.end('fine') });
    const failures: unknown[] = [];
    server.on('tlsClientError', (error) => failures.push(error));
    const end = performance.now() + RELOADING_MS;
    const seen = new Map<string, number>();
    let updates = 0;
    let next = performance.now();
    const updating = (async () => {
      while (performance.now() < end) {
        await context.update(materialOf(++updates % 2));
        next += 10;
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
      }
    })();
    const serials = pair.map(({ x509 }) => x509.serialNumber.toLowerCase());
    const load = async (): Promise<void> => {
      while (performance.now() < end) {
        // The chain is verified, and the key has signed the handshake: a certificate with the other's key fails both.
        const client = await RawClient.secure(server, { ca: root.cert });
        const { subject, serialNumber } = client.tls.getPeerCertificate();
        const at = serials.indexOf(serialNumber.toLowerCase());
        if (pair[at]?.x509.subject !== `CN=${String(subject.CN)}`)
          failures.push(`${String(subject.CN)} with ${serialNumber}`);
        seen.set(serialNumber, (seen.get(serialNumber) ?? 0) + 1);
        if ((await client.send(get()).response()).status !== 200) failures.push('no answer');
        client.destroy();
      }
    };
    await Promise.all([updating, load(), load(), load(), load()]);
    expect(failures).toEqual([]);
    expect(seen.size).toBe(2);
    expect(updates).toBeGreaterThan(RELOADING_MS / 100);
  },
  RELOADING_MS + 20_000,
);

test('2 000 stalled handshakes do not slow a live connection', async () => {
  const server = await start({
    tls: { cert: pair[0].cert, key: pair[0].key },
    tlsHandshakeTimeout: 60_000,
    handler: (_req, res) => res.end('fine'),
  });
  const client = await RawClient.secure(server, { ca: root.cert });
  // The lower quartile: what else the machine does makes some of them late, and stalled handshakes would all of them.
  const quartileOf = async (): Promise<number> => {
    const times: number[] = [];
    for (let round = 0; round < 300; round++) {
      const began = performance.now();
      await client.send(get()).response();
      times.push(performance.now() - began);
    }
    return times.sort((a, b) => a - b)[75];
  };
  await quartileOf();
  const idle = await quartileOf();
  const hello = await helloOfNode();
  const sockets: NodeSocket[] = [];
  try {
    // Some have sent nothing, some half a hello, some a whole one whose answer they leave.
    const pieces = [Buffer.alloc(0), hello.subarray(0, hello.length >> 1), hello];
    for (let count = 0; count < STALLED; count++) {
      const socket = connectTcp(server.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(pieces[count % 3]);
      sockets.push(socket);
      if (count % 100 === 99) await until(() => server.stats().connections.active > count, `${count} connections`);
    }
    const stalled = await quartileOf();
    expect(server.stats().connections.active).toBe(STALLED + 1);
    expect(stalled - idle).toBeLessThan(5);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}, 60_000);

/** The first bytes that a client of Node's sends. */
async function helloOfNode(): Promise<Buffer> {
  const { createServer } = await import('node:net');
  return new Promise((resolve) => {
    const listener = createServer((socket) => {
      socket.once('data', (chunk) => {
        socket.destroy();
        listener.close();
        resolve(chunk);
      });
    }).listen(0, '127.0.0.1', () => {
      const { port: at } = listener.address() as { port: number };
      connectTls({ host: '127.0.0.1', port: at, servername: 'localhost' }).on('error', () => undefined);
    });
  });
}
