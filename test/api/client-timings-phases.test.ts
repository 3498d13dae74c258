// What making a connection took, phase by phase, by every way to a server.
import { once } from 'node:events';
import type { AddressInfo, LookupFunction } from 'node:net';
import { isIP } from 'node:net';
import type { Server as SecureServer } from 'node:tls';
import { createSecureContext, createServer as createSecure } from 'node:tls';

import { getCommand } from '../../ts/cli/get.js';
import type { ClientOptions, RequestTimings } from '../../ts/index.js';
import { Client, TlsContext } from '../../ts/index.js';
import { leaf, root } from '../support/chain.js';
import { proxiesEndWithTheirTest, startProxy } from '../support/test-proxy.js';
import { endsWithItsTest, start } from '../support/test-server.js';

proxiesEndWithTheirTest();
endsWithItsTest();

/** How long each phase is held up by whoever it waits for, in ms, and how little of it a timer may make of that. */
const HELD = 25;
const LEAST = HELD - 2;

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const PHASES = ['dns', 'connect', 'proxy', 'tls'] as const;
type Phase = (typeof PHASES)[number];

let secure: SecureServer;

beforeAll(async () => {
  const context = createSecureContext({ cert: leaf.cert, key: leaf.key });
  secure = createSecure({ SNICallback: (_, done) => void setTimeout(() => done(null, context), HELD) }, (socket) => {
    socket.on('data', () => void socket.write(ANSWER)).on('error', () => undefined);
  });
  await once(secure.listen(0, '127.0.0.1'), 'listening');
});

afterAll(() => secure.close());

const resolver: LookupFunction = (host, options, done) => {
  const family = isIP(host);
  const found = { address: family === 0 ? '127.0.0.1' : host, family: family || 4 };
  setTimeout(() => (options.all === true ? done(null, [found]) : done(null, found.address, found.family)), HELD);
};

/** Which phases there were, that what was held up took its time, and that together they are all of it. */
function expectPhases(timings: RequestTimings, wanted: readonly Phase[], held: readonly Phase[]): void {
  expect(timings.reused).toBe(false);
  expect(PHASES.filter((phase) => timings[phase] !== null)).toEqual(wanted);
  for (const phase of held) expect([phase, timings[phase]]).toEqual([phase, expect.any(Number)]);
  for (const phase of held) expect(timings[phase]).toBeGreaterThanOrEqual(LEAST);
  for (const phase of wanted) expect(timings[phase]).toBeGreaterThanOrEqual(0);
  const { queued, dns, connect, proxy, tls, send, headers, body, total } = timings;
  const sum = [queued, dns, connect, proxy, tls, send, headers, body].reduce<number>((all, one) => all + (one ?? 0), 0);
  expect(sum).toBeCloseTo(total as number, 3);
}

/** The timings of two requests, of which the second finds the connection of the first. */
async function twice(url: string, options: ClientOptions): Promise<[RequestTimings, RequestTimings]> {
  await using client = new Client({ tls: { ca: root.cert }, ...options });
  const answers = [];
  for (let call = 0; call < 2; call++) {
    const response = await client.request(url);
    await response.text();
    answers.push(response.timings);
  }
  return answers as [RequestTimings, RequestTimings];
}

const authorize = (): Promise<boolean> => new Promise((resolve) => setTimeout(() => resolve(true), HELD));
const plainUrl = async (host: string): Promise<string> =>
  `http://${host}:${(await start({ port: 0, handler: (_, res) => void res.end('ok') })).port}/`;
const secureUrl = (host: string): Promise<string> =>
  Promise.resolve(`https://${host}:${(secure.address() as AddressInfo).port}/`);

/** The way, its proxies in their order, and whether the name of the server is resolved here. */
const WAYS: [string, readonly string[], boolean][] = [
  ['directly', [], true],
  ['through a proxy of http', ['http'], false],
  ['through a proxy of https', ['https'], false],
  ['through a proxy of socks4', ['socks4'], true],
  ['through a proxy of socks4a', ['socks4a'], false],
  ['through a proxy of socks5', ['socks5'], true],
  ['through a proxy of socks5h', ['socks5h'], false],
  ['through a chain of three', ['socks5h', 'https', 'http'], false],
];

describe.each(WAYS)('%s', (_, kinds, resolved) => {
  test.each([
    ['http', plainUrl],
    ['https', secureUrl],
  ] as const)(
    'every phase of a connection for %s is told, and those that there were not are null',
    async (scheme, urlOf) => {
      const tls = await TlsContext.client({ ca: root.cert });
      const proxies = [];
      for (const kind of kinds) {
        const proxy = await startProxy({
          authorize,
          ...(kind === 'https' ? { tls: { cert: leaf.cert, key: leaf.key } } : null),
        });
        const url = `${kind}://127.0.0.1:${proxy.port}`;
        proxies.push(kind === 'https' ? { url, tls } : url);
      }
      const [first, second] = await twice(await urlOf('localhost'), { proxy: proxies, resolver, family: 4 });
      const held: Phase[] = PHASES.filter(
        (phase) =>
          (phase === 'dns' && resolved) ||
          (phase === 'proxy' && kinds.length > 0) ||
          (phase === 'tls' && scheme === 'https'),
      );
      expectPhases(
        first,
        ['connect', ...held].sort(
          (one, other) => PHASES.indexOf(one as Phase) - PHASES.indexOf(other as Phase),
        ) as Phase[],
        held,
      );
      expect(second.toJSON()).toMatchObject({ reused: true, dns: null, connect: null, proxy: null, tls: null });
    },
  );
});

test('an address needs no resolver, and a connection that was opened before anybody asked has no phases', async () => {
  const url = await plainUrl('127.0.0.1');
  const [first] = await twice(url, { resolver });
  expectPhases(first, ['connect'], []);
  await using client = new Client();
  await client.pool.prewarm(url, 1);
  const response = await client.request(url);
  expect(response.timings.toJSON()).toMatchObject({ dns: null, connect: null, proxy: null, tls: null });
  await response.text();
});

test('`millrace get -v` shows the phases that there were', async () => {
  const proxy = await startProxy({ authorize });
  const said: string[] = [];
  const out = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  const err = jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => said.push(String(chunk)) > 0);
  try {
    await getCommand([await secureUrl('localhost'), '-k', '-v', '-x', `socks5h://127.0.0.1:${proxy.port}`]);
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
  const shown = [...said.join('').matchAll(/^ {2}(\w+) +(\d+\.\d) ms$/gm)].map(([, phase, ms]) => [phase, Number(ms)]);
  expect(shown.map(([phase]) => phase)).toEqual([
    ...['queued', 'connect', 'proxy', 'tls', 'send', 'headers', 'body', 'total'],
  ]);
  const time = Object.fromEntries(shown) as Record<string, number>;
  expect(time['proxy']).toBeGreaterThanOrEqual(LEAST);
  expect(time['tls']).toBeGreaterThanOrEqual(LEAST);
});
