// A dialler begins with the addresses that came first (RFC 8305 §3), and tries the rest when they come.
import type { Socket } from '../../ts/index.js';
import { connect, Resolver } from '../../ts/index.js';
import { deferred } from '../support/condition.js';
import type { DnsReply } from '../support/dns-server.js';
import { DnsServer, record, TYPE } from '../support/dns-server.js';
import { echo, listenersEndWithTheirTest, said, startListener } from '../support/test-listener.js';
import { endsWithItsTest } from '../support/test-server.js';

listenersEndWithTheirTest();
endsWithItsTest();

let server: DnsServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** A resolver whose answers are held back; an address is given, or none. */
async function names() {
  const answers = { 4: deferred<DnsReply>(), 6: deferred<DnsReply>() };
  server = await DnsServer.start(({ type }) => answers[type === TYPE.A ? 4 : 6].promise);
  const resolver = new Resolver({ mode: 'dns', servers: [server.address] });
  const give = (family: 4 | 6, ...addresses: string[]): void =>
    answers[family].resolve({ records: addresses.map((address) => record(address, 60)) });
  return { resolver, give };
}

async function works(socket: Socket): Promise<void> {
  await said(socket, 'x');
  socket.destroy();
}

test('an AAAA that never comes does not hold up an A that is there', async () => {
  const { port } = await startListener(echo, { host: '127.0.0.1' });
  const { resolver, give } = await names();
  give(4, '127.0.0.1');
  const began = performance.now();
  await works(await connect({ host: 'a.test', port, resolver, timeouts: { dns: 10_000 } }));
  expect(performance.now() - began).toBeLessThan(5_000);
  give(6);
});

test('where the first family refuses, the other is waited for and used', async () => {
  const { port } = await startListener(echo, { host: '127.0.0.1' });
  const { resolver, give } = await names();
  give(6, '::1');
  const opening = connect({ host: 'a.test', port, resolver });
  setTimeout(() => give(4, '127.0.0.1'), 100);
  const socket = await opening;
  expect(socket.remoteAddress).toBe('127.0.0.1');
  await works(socket);
});

test('where both refuse, the error says so of each', async () => {
  const { port, close } = await free();
  await close();
  const { resolver, give } = await names();
  give(6, '::1');
  const opening = connect({ host: 'a.test', port, resolver });
  setTimeout(() => give(4, '127.0.0.1'), 100);
  await expect(opening).rejects.toMatchObject({
    code: 'MILLRACE_SYSTEM',
    phase: 'connect',
    errors: [expect.objectContaining({ address: '::1' }), expect.objectContaining({ address: '127.0.0.1' })],
  });
});

test('a dial that is aborted while the other family is awaited ends', async () => {
  const { port, close } = await free();
  await close();
  const { resolver, give } = await names();
  give(6, '::1');
  const abort = new AbortController();
  const opening = connect({ host: 'a.test', port, resolver, signal: abort.signal });
  setTimeout(() => abort.abort(), 100);
  await expect(opening).rejects.toMatchObject({ name: 'AbortError' });
  give(4);
});

/** A port that is free once it is closed again. */
async function free() {
  const listener = await startListener(echo, { host: '127.0.0.1' });
  return { port: listener.port, close: () => listener.close() };
}
