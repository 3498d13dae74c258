import { AsyncLocalStorage } from 'node:async_hooks';
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';

import type {
  CloseMessage,
  RequestErrorMessage,
  RequestFinishMessage,
  RequestStartMessage,
  Server,
  TunnelMessage,
} from '../../ts/index.js';
import { setLogger } from '../../ts/index.js';
import { buildCommandLine } from '../support/command-line.js';
import { until } from '../support/condition.js';
import { runProgram } from '../support/program.js';
import { endsWithItsTest, get, start, startWithClient } from '../support/test-server.js';

endsWithItsTest();

const NAMES = ['listening', 'close', 'request:start', 'request:finish', 'request:error', 'upgrade', 'connect'];
let heard: [string, unknown][] = [];
let deafen: (() => void)[] = [];

function listen(...names: string[]): void {
  for (const short of names) {
    const hear = (message: unknown): void => void heard.push([short, message]);
    subscribe(`millrace:server:${short}`, hear);
    deafen.push(() => unsubscribe(`millrace:server:${short}`, hear));
  }
}
const names = (): string[] => heard.map(([name]) => name);
const of = <T>(name: string): T => heard.find((each) => each[0] === name)?.[1] as T;

beforeEach(() => {
  heard = [];
  setLogger(null);
});
afterEach(() => {
  for (const each of deafen) each();
  deafen = [];
});

test('a server tells that it listens and that it has closed, with the counts', async () => {
  listen('listening', 'close');
  const server = await start({ handler: (_req, res) => res.end() });
  expect(heard).toEqual([['listening', { server }]]);
  expect((of<{ server: Server }>('listening').server.port ?? 0) > 0).toBe(true);
  await server.close();
  expect(names()).toEqual(['listening', 'close']);
  const { finished, forced, server: closed } = of<CloseMessage>('close');
  expect([finished, forced, closed === server]).toEqual([0, 0, true]);
});

test('an exchange tells of its start and its finish, with status, bytes and duration', async () => {
  listen('request:start', 'request:finish', 'request:error');
  let response: unknown;
  const { client, server } = await startWithClient({
    handler: (_req, res) => {
      response = res;
      res.writeHead(202).end('four');
    },
  });
  await client.send(get('/a')).response();
  await until(() => heard.length === 2);
  expect(names()).toEqual(['request:start', 'request:finish']);
  const started = of<RequestStartMessage>('request:start');
  expect([started.server === server, started.response === response, started.request.url]).toEqual([true, true, '/a']);
  const { status, bytes, duration, request, response: same } = of<RequestFinishMessage>('request:finish');
  expect([status, bytes, request === started.request, same === response]).toEqual([202, 4, true, true]);
  expect(duration).toBeGreaterThan(0);
});

test.each(['request:start', 'request:finish'])('one that listens to %s alone hears of it', async (name) => {
  listen(name);
  const { client } = await startWithClient({ handler: (_req, res) => res.end() });
  await client.send(get('/a')).response();
  await until(() => heard.length === 1);
  expect(names()).toEqual([name]);
});

test('a handler that fails tells of its error, and the answer follows', async () => {
  listen('request:finish', 'request:error');
  const planned = new Error('planned');
  const { client } = await startWithClient({ handler: () => Promise.reject(planned) });
  await client.send(get('/a')).response();
  await until(() => heard.length === 2);
  expect(names()).toEqual(['request:error', 'request:finish']);
  const { error, aborted, request, response } = of<RequestErrorMessage>('request:error');
  expect([error, aborted, request.url, response !== null]).toEqual([planned, false, '/a', true]);
  expect(of<RequestFinishMessage>('request:finish').status).toBe(500);
});

test('an exchange that is cut tells of that, and of nothing after it', async () => {
  listen('request:finish', 'request:error');
  const { client, server } = await startWithClient({ handler: () => undefined });
  client.send(get('/a'));
  await until(() => server.stats().requests.active === 1);
  client.reset();
  await until(() => heard.length === 1);
  const { error, aborted } = of<RequestErrorMessage>('request:error');
  expect(aborted).toBe(true);
  expect((error as { code: string }).code).toMatch(/^MILLRACE_CONNECTION_/);
  await until(() => server.stats().connections.active === 0);
  expect(heard).toHaveLength(1);
});

test('upgrades and CONNECT are told of', async () => {
  listen('upgrade', 'connect', 'request:start');
  const take = (_req: unknown, socket: { destroy(): void }): void => socket.destroy();
  const options = { onUpgrade: take, onConnect: take, handler: () => undefined };
  const { client } = await startWithClient(options);
  await client.send(get('/up', 'Connection: Upgrade', 'Upgrade: echo')).closed();
  const other = await startWithClient(options);
  await other.client.send('CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n').closed();
  expect(names()).toEqual(['upgrade', 'connect']);
  const { request, socket, head, server } = of<TunnelMessage>('upgrade');
  expect([request.url, typeof socket.write, head.length, server.port > 0]).toEqual(['/up', 'function', 0, true]);
  expect(of<TunnelMessage>('connect').request.method).toBe('CONNECT');
});

test('what is bound to the start of a request is there in its handler, also after an await', async () => {
  const storage = new AsyncLocalStorage<string>();
  const started = channel('millrace:server:request:start');
  started.bindStore(storage, (message) => (message as RequestStartMessage).request.url);
  deafen.push(() => started.unbindStore(storage));
  const { client } = await startWithClient({
    handler: async (_req, res) => {
      await new Promise((resolve) => setImmediate(resolve));
      res.end(storage.getStore());
    },
  });
  client.send(get('/a') + get('/b'));
  expect((await client.response()).body.toString()).toBe('/a');
  expect((await client.response()).body.toString()).toBe('/b');
});

test('one that nobody listens to any more is a plain exchange again', async () => {
  listen(...NAMES);
  const kinds: string[] = [];
  const { client } = await startWithClient({
    handler: (_req, res) => {
      kinds.push(res.constructor.name);
      res.end();
    },
  });
  await client.send(get()).response();
  await until(() => names().includes('request:finish'));
  for (const each of deafen.splice(0)) each();
  await client.send(get()).response();
  expect(kinds).toEqual(['WatchedResponse', 'ServerResponse']);
});

test('a subscriber that throws breaks no request: Node.js reports it as uncaught', async () => {
  buildCommandLine();
  const { stdout, stderr } = await runProgram('throwing-subscriber.mjs');
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({ text: 'fine', uncaught: ['start', 'finish'] });
});
