import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Dispatcher, setGlobalDispatcher } from '../../ts/compat/undici.js';
import { tellSkipped } from '../support/where.js';

let server: Server;
let url: string;
let dispatcher: Dispatcher;

beforeAll(async () => {
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      response.setHeader('x-method', request.method ?? '');
      if (request.url === '/large') return response.end(Buffer.alloc(1 << 20, 'x'));
      return response.end(`${String(request.headers['x-own'] ?? '')}|${Buffer.concat(parts).toString()}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

beforeEach(() => {
  dispatcher = new Dispatcher();
});

afterEach(() => dispatcher.close());

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('Node’s own fetch goes over our client once it is set', async () => {
  // Jest's tests have a realm of their own; fetch looks into that of Node.
  const outer = (globalThis.fetch.constructor as FunctionConstructor)('return globalThis')() as object;
  const restore = setGlobalDispatcher(dispatcher, outer);
  try {
    const response = await globalThis.fetch(url, { method: 'POST', body: 'text', headers: { 'x-own': '1' } });
    expect(response.headers.get('x-method')).toBe('POST');
    expect(await response.text()).toBe('1|text');
    expect((await (await globalThis.fetch(`${url}/large`)).arrayBuffer()).byteLength).toBe(1 << 20);
    const controller = new AbortController();
    controller.abort();
    await expect(globalThis.fetch(url, { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' });
    await expect(globalThis.fetch('http://127.0.0.1:1')).rejects.toMatchObject({ name: 'TypeError' });
  } finally {
    restore();
  }
  const { created } = dispatcher.client.stats();
  expect(created).toBeGreaterThan(0);
  // Put back, it is Node's again.
  expect((await globalThis.fetch(url, { method: 'POST' })).headers.get('x-method')).toBe('POST');
  expect(dispatcher.client.stats().created).toBe(created);
});

/** undici of one version; it says itself when this Node.js is too old for it. */
async function load(name: string): Promise<typeof import('undici7') | undefined> {
  try {
    return (await import(name)) as typeof import('undici7');
  } catch (error) {
    tellSkipped(`: ${name} does not run on Node.js ${process.versions.node}: ${String(error)}`);
    return undefined;
  }
}

describe.each(['undici6', 'undici7', 'undici8'])('%s', (name) => {
  test('request, stream and fetch go over our client', async () => {
    const undici = await load(name);
    if (undici === undefined) return expect(Number(process.versions.node.split('.')[0])).toBeLessThan(22);
    const over = { dispatcher: dispatcher as never };
    const answer = await undici.request(url, { ...over, method: 'PUT', body: 'b', headers: { 'x-own': '2' } });
    expect([answer.statusCode, answer.headers['x-method'], await answer.body.text()]).toEqual([200, 'PUT', '2|b']);
    const large = await undici.request(`${url}/large`, over);
    expect((await large.body.arrayBuffer()).byteLength).toBe(1 << 20);
    expect(await (await undici.fetch(url, over)).text()).toBe('|');
    await expect(undici.request('http://127.0.0.1:1', over)).rejects.toMatchObject({ code: 'MILLRACE_SYSTEM' });
    expect(dispatcher.client.stats().reused).toBeGreaterThan(0);
  });
});

test('a handler of the newer kind is told by its controller', async () => {
  const told: unknown[] = [];
  await new Promise<void>((resolve, reject) => {
    dispatcher.dispatch(
      { origin: url, path: '/', method: 'GET' },
      {
        onRequestStart: () => void told.push('start'),
        onResponseStart: (_controller, status, headers) => void told.push(status, headers['x-method']),
        onResponseData: (_controller, chunk) => void told.push(chunk.toString()),
        onResponseEnd: () => resolve(),
        onResponseError: (_controller, error) => reject(new Error('failed', { cause: error })),
      },
    );
  });
  expect(told).toEqual(['start', 200, 'GET', '|']);
});

test('abort within onConnect and after the head ends a request', async () => {
  const errors: unknown[] = [];
  dispatcher.dispatch(
    { origin: url, path: '/', method: 'GET' },
    { onConnect: (abort) => abort(), onError: (error) => void errors.push((error as Error).name) },
  );
  expect(errors).toEqual(['AbortError']);
  const reason = new Error('mine');
  const got = await new Promise((resolve) => {
    let abort: (reason?: unknown) => void;
    dispatcher.dispatch(
      { origin: url, path: '/large', method: 'GET' },
      {
        onConnect: (fn) => void (abort = fn),
        onHeaders: () => (abort(reason), true),
        onError: resolve,
      },
    );
  });
  expect(got).toBe(reason);
});
