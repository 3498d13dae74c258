import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import type { MillraceError, RefusedRequest, RequestRefusedMessage, Server } from '../../ts/index.js';
import { native } from '../../ts/native/loader.js';
import { until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, post, start } from '../support/test-server.js';

endsWithItsTest();

/** Long enough for what is sent at once. */
const LIMIT = 150;
const CHANNEL = 'millrace:server:request:refused';
const handler = (_req: unknown, res: { end(text: string): unknown }): void => void res.end('served');

const ROWS: [string, string, number, string, object][] = [
  ['a malformed request', 'nonsense\r\n\r\n', 400, 'MILLRACE_HTTP_INVALID_REQUEST_LINE', {}],
  ['a version that we do not speak', 'GET / HTTP/9.9\r\n\r\n', 505, 'MILLRACE_HTTP_VERSION_UNSUPPORTED', {}],
  [
    'a limit',
    post('/', 'x'.repeat(11)),
    413,
    'MILLRACE_HTTP_BODY_TOO_LARGE',
    { value: 10, seen: 11, option: 'maxBodySize' },
  ],
  ['a deadline', 'GET / HT', 408, 'MILLRACE_HEADERS_TIMEOUT', { value: LIMIT, option: 'headersTimeout' }],
];

async function refuse(server: Server, bytes: string): Promise<number> {
  const client = await RawClient.connect(server);
  const { status } = await client.send(bytes).response();
  client.destroy();
  return status;
}

test.each(ROWS)(
  '%s is told on the channel, with its error, status and client',
  async (_n, bytes, status, code, limit) => {
    const heard: RequestRefusedMessage[] = [];
    const hear = (message: unknown): void => void heard.push(message as RequestRefusedMessage);
    subscribe(CHANNEL, hear);
    try {
      const server = await start({ handler, maxBodySize: 10, headersTimeout: LIMIT });
      expect(await refuse(server, bytes)).toBe(status);
      await until(() => heard.length === 1);
      const [{ server: from, error, status: told, remoteAddress, remotePort }] = heard;
      expect([from === server, error.code, told, remoteAddress]).toEqual([true, code, status, '127.0.0.1']);
      expect(remotePort).toBeGreaterThan(0);
      expect(error.limit ?? {}).toMatchObject(limit);
    } finally {
      unsubscribe(CHANNEL, hear);
    }
  },
);

test('clientError of a server tells the same, and of its own requests alone', async () => {
  const heard: [MillraceError, RefusedRequest][] = [];
  const [server, other] = [await start({ handler }), await start({ handler })];
  server.on('clientError', (error: MillraceError, about: RefusedRequest) => void heard.push([error, about]));
  expect(await refuse(other, 'nonsense\r\n\r\n')).toBe(400);
  expect(await refuse(server, 'nonsense\r\n\r\n')).toBe(400);
  await until(() => heard.length === 1);
  const [[error, about]] = heard;
  expect(error.code).toBe('MILLRACE_HTTP_INVALID_REQUEST_LINE');
  expect(about).toEqual({ status: 400, remoteAddress: '127.0.0.1', remotePort: expect.any(Number) as number });
});

test('a rate limit tells, and what a handler has seen does not', async () => {
  const heard: string[] = [];
  const server = await start({
    rateLimits: [{ requests: 1, interval: 60_000, prefix: '/limited' }],
    maxCollectedSize: 3,
    handler: async (req, res) => void res.end(await req.text()),
  });
  server.on('clientError', (error: MillraceError) => void heard.push(error.code));
  const client = await RawClient.connect(server);
  const statuses: number[] = [];
  for (const bytes of [get('/limited'), get('/limited'), post('/', 'four'), get('/')]) {
    statuses.push((await client.send(bytes).response()).status);
  }
  expect(statuses).toEqual([200, 429, 413, 200]);
  expect(heard).toEqual(['MILLRACE_RATE_LIMITED']);
});

test('the native core is asked to tell while somebody listens, and not before or after', async () => {
  const spy = jest.spyOn(native, 'hearRefusals');
  const asked = (): number[] => spy.mock.calls.map(([heard]) => heard);
  const server = await start({ handler });
  expect(await refuse(server, 'nonsense\r\n\r\n')).toBe(400);
  expect(native.takeRefusals()).toBe('');
  const [one, two] = [(): void => undefined, (): void => undefined];
  subscribe(CHANNEL, one);
  subscribe(CHANNEL, two);
  unsubscribe(CHANNEL, one);
  expect(asked()).toEqual([1]);
  server.on('clientError', one);
  unsubscribe(CHANNEL, two);
  expect(asked()).toEqual([1]);
  server.off('clientError', one);
  expect(asked()).toEqual([1, 0]);
  server.once('clientError', one);
  await server.close();
  expect(asked()).toEqual([1, 0, 1, 0]);
  spy.mockRestore();
});
