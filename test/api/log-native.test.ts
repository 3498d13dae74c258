// What the native core has to say comes out of the same door as everything else.
import type { LogRecord } from '../../ts/index.js';
import { setLevel, setLogger } from '../../ts/index.js';
import { native } from '../../ts/native/loader.js';
import { parseLines } from '../../ts/native/log-lines.js';
import { until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, start, startWithClient } from '../support/test-server.js';

endsWithItsTest();

let records: LogRecord[];

beforeEach(() => {
  records = [];
  setLogger((record) => void records.push(record));
  setLevel('trace');
});

afterEach(() => {
  setLogger(null);
  setLevel('warn');
});

const handler = (_req: unknown, res: { end(text: string): unknown }): unknown => res.end('ok');
const found = async (message: string): Promise<LogRecord> => {
  const of = () => records.find((record) => record.message === message);
  await until(
    () => of() !== undefined,
    () => JSON.stringify(records),
  );
  return of() as LogRecord;
};

test('a client that breaks a limit is told of at debug, with its address, the limit and what was seen', async () => {
  const { client } = await startWithClient({ handler, maxUrlSize: 64 });
  await client.send(get(`/${'x'.repeat(200)}`)).response();
  const { level, component, fields, context, time } = await found('a client broke the protocol or a limit');
  expect({ level, component, context }).toEqual({ level: 'debug', component: 'server', context: {} });
  expect(fields).toEqual({
    code: 'MILLRACE_HTTP_TARGET_TOO_LARGE',
    peer: `127.0.0.1:${client.socket.localPort}`,
    limit: 64,
    seen: expect.any(Number),
  });
  expect(Math.abs(Date.now() - time)).toBeLessThan(5_000);
});

test('a client that breaks the protocol, one that is refused and one that is too slow are told of at debug', async () => {
  const { client } = await startWithClient({ handler });
  await client.send('GET / HTTP/9.9\r\n\r\n').response();
  expect(await found('a client broke the protocol or a limit')).toMatchObject({
    level: 'debug',
    fields: { code: 'MILLRACE_HTTP_VERSION_UNSUPPORTED' },
  });
  const denied = await start({ handler, deny: ['127.0.0.0/8'] });
  await (await RawClient.connect(denied)).response();
  expect(await found('a connection was refused')).toMatchObject({
    level: 'debug',
    component: 'server',
    fields: { code: 'MILLRACE_CLIENT_DENIED' },
  });
  const slow = await startWithClient({ handler, headersTimeout: 20 });
  await slow.client.send('GET /').rest();
  expect(await found('a deadline expired')).toMatchObject({
    level: 'debug',
    fields: { code: 'MILLRACE_HEADERS_TIMEOUT' },
  });
});

test('an idle connection that ends is worth no more than trace', async () => {
  const { client } = await startWithClient({ handler, keepAliveTimeout: 1 });
  await client.send(get()).response();
  await client.closed();
  const { level, fields } = await found('a deadline expired');
  expect([level, fields.code]).toEqual(['trace', 'MILLRACE_KEEP_ALIVE_TIMEOUT']);
});

test('what the level does not let pass is not even made, and neither is it while nobody listens', async () => {
  const provoke = async (): Promise<void> => {
    const { client } = await startWithClient({ handler });
    await client.send('GET / HTTP/9.9\r\n\r\n').rest();
    await client.closed();
  };
  setLevel('info');
  await provoke();
  expect(records).toEqual([]);
  expect(native.takeLog()).toBe('');
  setLevel('trace');
  setLogger(null);
  await provoke();
  expect(native.takeLog()).toBe('');
  setLogger((record) => void records.push(record));
  await provoke();
  await found('a client broke the protocol or a limit');
});

test('a panic that no connection can pay for is fatal, and says where it was', async () => {
  const { client } = await startWithClient({ handler });
  native.plantPanic(NaN, 1);
  await client.send(get()).response();
  const { level, component, fields } = await found('native code panicked outside of any connection: a bug of millrace');
  expect([level, component]).toEqual(['fatal', 'reactor']);
  expect(fields.panic).toMatch(/\.rs:\d+:\d+: a test asked for this panic$/);
});

test('a logger that throws disturbs no other connection and no event of the same wake', async () => {
  const stderr = jest.spyOn(process.stderr, 'write').mockImplementation(() => true);
  setLogger(() => {
    throw new Error('disk full');
  });
  const { server, client } = await startWithClient({ handler });
  const bad = await RawClient.connect(server);
  bad.send('GET / HTTP/9.9\r\n\r\n');
  client.send(get());
  expect((await client.response()).status).toBe(200);
  expect((await bad.response()).status).toBe(505);
  stderr.mockRestore();
});

test('the lines of the core are read field by field', () => {
  expect(parseLines('3\t17\t[2001:db8::7]:443\t100\t120\t\n0\t2\t\t\t\ttwo words\n')).toEqual([
    { said: 3, code: 17, peer: '[2001:db8::7]:443', limit: 100, seen: 120, text: '' },
    { said: 0, code: 2, peer: '', limit: undefined, seen: undefined, text: 'two words' },
  ]);
  expect(parseLines('')).toEqual([]);
});
