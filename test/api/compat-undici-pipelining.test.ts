// Requests of undici, and of Node's own fetch, that go behind each other on one connection of ours.
import type { Socket } from 'node:net';

import { Dispatcher, setGlobalDispatcher } from '../../ts/compat/undici.js';
import { metrics } from '../../ts/index.js';
import { until } from '../support/condition.js';
import type { ScriptedServer } from '../support/scripted-server.js';
import { onRequests, scriptedServer, trust } from '../support/scripted-server.js';
import { tellSkipped } from '../support/where.js';

/** A request that the server has and has not answered. */
interface Asked {
  readonly what: string;
  readonly on: number;
  readonly socket: Socket;
}

const DEPTH = 3;

let server: ScriptedServer;
let dispatcher: Dispatcher;
let open: Asked[];
let most: number;

beforeEach(async () => {
  [open, most] = [[], 0];
  server = await scriptedServer((socket, on) => {
    socket.on('close', () => (open = open.filter((one) => one.on !== on)));
    onRequests(socket, (head) => {
      open.push({ what: /[A-Z]+ \/\S*/.exec(head)?.[0] ?? '', on, socket });
      most = Math.max(most, open.filter((one) => one.on === on).length);
    });
  });
  dispatcher = new Dispatcher({ pipelining: DEPTH, pool: { maxConnectionsPerOrigin: 1 }, ...trust() });
});

afterEach(async () => {
  await dispatcher.destroy();
  await server.end();
});

/** Answers the first that waits, with its path. */
function answer(fields = ''): Asked {
  const [one] = open.splice(0, 1);
  const path = one.what.slice(one.what.indexOf('/'));
  one.socket.write(`HTTP/1.1 200 OK\r\n${fields}Content-Length: ${path.length}\r\n\r\n${path}`);
  return one;
}

const whats = (): string[] => open.map(({ what }) => what);
const waitFor = (count: number): Promise<void> => until(() => open.length === count, `${count} requests at the server`);
const behind = (): number => metrics.snapshot().counters.millrace_http_client_pipelined_total;

/** How one kind of caller asks for a path: the text of the answer. */
type Ask = (path: string, init?: { method?: string; signal?: AbortSignal }) => Promise<string>;
/** A way to ask, and how to end it; undefined where this Node.js is too old for it. */
type Way = () => Promise<{ ask: Ask; end?: () => void } | undefined>;

const undici = (name: string, how: 'request' | 'fetch'): Way => {
  return async () => {
    const found = (await import(name).catch(() => undefined)) as typeof import('undici7') | undefined;
    if (found === undefined) return undefined;
    const over = { dispatcher: dispatcher as never };
    const ask: Ask = async (path, init) =>
      how === 'fetch'
        ? (await found.fetch(`${server.url}${path}`, { ...init, ...over })).text()
        : (await found.request(`${server.url}${path}`, { ...init, ...over })).body.text();
    return { ask };
  };
};

const node: Way = () => {
  const outer = (globalThis.fetch.constructor as FunctionConstructor)('return globalThis')() as object;
  const end = setGlobalDispatcher(dispatcher, outer);
  return Promise.resolve({ ask: async (path, init) => (await fetch(`${server.url}${path}`, init)).text(), end });
};

const WAYS: [string, Way][] = [
  ['undici 6, request', undici('undici6', 'request')],
  ['undici 7, request', undici('undici7', 'request')],
  ['undici 8, request', undici('undici8', 'request')],
  ['undici 7, fetch', undici('undici7', 'fetch')],
  ['undici 8, fetch', undici('undici8', 'fetch')],
  ['Node’s own fetch', node],
];

describe.each(WAYS)('%s', (name, way) => {
  let asks: Awaited<ReturnType<Way>>;
  beforeEach(async () => {
    asks = await way();
    if (asks === undefined) tellSkipped(`: ${name} does not run on Node.js ${process.versions.node}`);
  });
  afterEach(() => asks?.end?.());

  const isTooOld = (): boolean => asks === undefined;
  const ask: Ask = (path, init) => (asks as { ask: Ask }).ask(path, init);

  test('so many and never one more are on the connection, and each gets its own answer', async () => {
    if (isTooOld()) return expect(Number(process.versions.node.split('.')[0])).toBeLessThan(22);
    const before = behind();
    const texts = Array.from({ length: 10 }, (_, number) => ask(`/${number}`));
    const order: string[] = [];
    while (order.length < 10) {
      await waitFor(Math.min(DEPTH, 10 - order.length));
      order.push(answer().what);
    }
    const all = texts.map((_, number) => `/${number}`);
    expect(await Promise.all(texts)).toEqual(all);
    expect(order).toEqual(all.map((path) => `GET ${path}`));
    expect(most).toBe(DEPTH);
    expect(behind() - before).toBeGreaterThanOrEqual(2);
    return expect(dispatcher.client.stats()).toMatchObject({ created: 1, running: 0 });
  });

  test('a POST goes alone; what was not answered when the server ends is asked again', async () => {
    if (isTooOld()) return expect(Number(process.versions.node.split('.')[0])).toBeLessThan(22);
    const texts = [ask('/0'), ask('/1'), ask('/2', { method: 'POST' }), ask('/3')];
    await waitFor(2);
    expect(whats()).toEqual(['GET /0', 'GET /1']);
    answer();
    await texts[0];
    answer();
    await waitFor(1);
    expect(whats()).toEqual(['POST /2']);
    answer();
    await waitFor(1);
    texts.push(ask('/4'));
    await waitFor(2);
    expect(whats()).toEqual(['GET /3', 'GET /4']);
    answer('Connection: close\r\n').socket.end();
    await until(() => open.length === 1 && open[0].on === 1, 'it is asked on another');
    expect(whats()).toEqual(['GET /4']);
    answer();
    return expect(await Promise.all(texts)).toEqual(['/0', '/1', '/2', '/3', '/4']);
  });

  test('the first is aborted and told so: it takes the connection with it, and those behind it are asked again', async () => {
    if (isTooOld()) return expect(Number(process.versions.node.split('.')[0])).toBeLessThan(22);
    const controller = new AbortController();
    const aborted = ask('/0', { signal: controller.signal }).catch((error: Error) => error.name);
    const texts = [aborted, ask('/1'), ask('/2')];
    await waitFor(3);
    controller.abort();
    expect(await aborted).toBe('AbortError');
    for (const what of ['GET /1', 'GET /2']) {
      await until(() => open.length === 1 && open[0].what === what && open[0].on === 1, what);
      answer();
    }
    expect(await Promise.all(texts)).toEqual(['AbortError', '/1', '/2']);
    return expect(dispatcher.client.stats().retired).toEqual({ discarded: 1 });
  });
});
