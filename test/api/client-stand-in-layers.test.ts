// What is beneath a function in place of the network, and above it.
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';

import type { DispatchFunction } from '../../ts/index.js';
import { Client, ClientResponse } from '../../ts/index.js';
import { GONE, URL_, echo } from '../support/stand-in.js';

describe('next is the network', () => {
  let server: Server;
  let url: string;
  const seen: string[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString()));
      request.on('end', () => {
        const { 'content-type': type, 'content-length': length, 'x-a': own } = request.headers;
        const { 'accept-encoding': codings, 'user-agent': agent, host } = request.headers;
        seen.push([request.method, type, length, own, codings, agent, host, body].join('|'));
        if (request.url === '/large') return void response.end(Buffer.alloc(4 << 20, 'x'));
        response.writeHead(seen.length === 1 ? 503 : 200, { Trailer: 'X-Sum' });
        response.addTrailers({ 'X-Sum': '1' });
        response.end('from the network');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  beforeEach(() => void seen.splice(0));

  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test('what is passed on goes out as it would have', async () => {
    const dispatch: DispatchFunction = (request, handler, next) => next(request, handler);
    const bodies = ['text', new URLSearchParams({ a: 'b' }), new Blob(['blob'], { type: 'x/y' })];
    const rounds: string[][] = [];
    for (const options of [{}, { dispatch }]) {
      const client = new Client({ ...options, headers: { 'X-A': '1' } });
      for (const body of bodies) await (await client.post(url, { body, headers: { 'x-a': '2' } })).text();
      const response = await client.get(url);
      expect([await response.text(), (await response.trailers)?.get('x-sum')]).toEqual(['from the network', '1']);
      await client.close();
      rounds.push(seen.splice(0).map((line) => line.replace(/charset=/i, '')));
    }
    expect(rounds[1].map((line) => line.toLowerCase().replace('; ', ';'))).toEqual(
      rounds[0].map((line) => line.toLowerCase().replace('; ', ';')),
    );
    expect(rounds[1]).toHaveLength(4);
  });

  test('twice, where the first answer did not do', async () => {
    const dispatch: DispatchFunction = (request, handler, next) =>
      next(request, {
        onResponse: (head, control) => {
          if (head.status !== 503) return handler.onResponse(head, control);
          control.abort();
        },
        onData: (chunk) => handler.onData(chunk),
        onEnd: (trailers) => handler.onEnd(trailers),
        onError: () => void next(request, handler),
      });
    const client = new Client({ dispatch });
    expect(await (await client.get(url)).text()).toBe('from the network');
    expect(seen).toHaveLength(2);
    await client.close();
  });

  test('later, after something asynchronous; an abort reaches it', async () => {
    const dispatch = (async (...[request, handler, next]: Parameters<DispatchFunction>) => {
      await Promise.resolve();
      return next(request, handler);
    }) as unknown as DispatchFunction;
    const client = new Client({ dispatch });
    const controller = new AbortController();
    const response = await client.get(`${url}/large`, { signal: controller.signal });
    controller.abort();
    await expect(response.bytes()).rejects.toMatchObject({ name: 'AbortError' });
    expect(client.stats().running).toBe(0);
    await client.close();
  });

  test('a reader’s pace is the network’s', async () => {
    const client = new Client({ dispatch: (request, handler, next) => next(request, handler) });
    const response = await client.get(`${url}/large`);
    let size = 0;
    for await (const chunk of response.body) size += chunk.byteLength;
    expect(size).toBe(4 << 20);
    await client.close();
  });

  test('some requests only', async () => {
    const dispatch: DispatchFunction = (request, handler, next) =>
      request.url.startsWith(url) ? next(request, handler) : echo(request, handler, next);
    const client = new Client({ dispatch });
    expect(await (await client.get(URL_)).text()).toBe(`GET ${URL_}`);
    expect(await (await client.get(`${url}/large`)).bytes()).toHaveLength(4 << 20);
    await client.close();
  });
});

describe('interceptors are above it', () => {
  const named = (name: string, order: string[]): Parameters<Client['use']>[0] => {
    return async (request, next) => {
      order.push(`${name}>`);
      const response = await next({ ...request, headers: { [name]: '1' } });
      order.push(`<${name}`);
      return response;
    };
  };

  test('the first is outermost; request, verbs, stream and fetch all pass them', async () => {
    const order: string[] = [];
    const client = new Client({ dispatch: echo }).use(named('a', order)).use(named('b', order));
    const once = ['a>', 'b>', '<b', '<a'];
    await (await client.request(URL_)).text();
    expect(order.splice(0)).toEqual(once);
    await (await client.post(URL_)).text();
    expect(order.splice(0)).toEqual(once);
    await (await client.fetch(URL_)).text();
    expect(order.splice(0)).toEqual(once);
    await client.stream(URL_, {}, () => new Writable({ write: (_chunk, _encoding, done) => done() }));
    expect(order).toEqual(once);
  });

  test('one answers by itself, with any body', async () => {
    const never: DispatchFunction = () => {
      throw new Error('nobody is asked');
    };
    const bodies: [unknown, string][] = [
      ['é', 'é'],
      ['plain', 'plain'],
      [Buffer.from('bytes'), 'bytes'],
      [new Blob(['blob']), 'blob'],
      [new URLSearchParams({ a: 'b' }), 'a=b'],
      [
        (async function* () {
          yield await Promise.resolve('one,');
          yield 'two';
        })(),
        'one,two',
      ],
      [new Response('stream').body, 'stream'],
      [null, ''],
    ];
    for (const [body, expected] of bodies) {
      const client = new Client({ dispatch: never });
      client.use(() =>
        ClientResponse.of({ status: 203, statusText: 'Mine', headers: { A: '1' }, body: body as never }),
      );
      const response = await client.request(URL_);
      expect([response.status, response.statusText, response.headers.get('a')]).toEqual([203, 'Mine', '1']);
      expect(await response.text()).toBe(expected);
    }
    const client = new Client({ dispatch: never }).use(() => ClientResponse.of({ body: 'mine', trailers: { T: '1' } }));
    const answer = await client.fetch(URL_);
    expect([answer.status, await answer.text()]).toEqual([200, 'mine']);
    const streamed = await client.request(URL_);
    expect([await streamed.text(), (await streamed.trailers)?.get('t')]).toEqual(['mine', '1']);
    expect(() => ClientResponse.of({ status: 99 })).toThrow(/from 200 to 999, got 99/);
  });

  test('a body that an interceptor makes fails and ends as its source does', async () => {
    let closed = false;
    const source = async function* (): AsyncGenerator<string> {
      try {
        yield await Promise.resolve('x'.repeat(70_000));
        yield 'never read';
      } finally {
        closed = true;
      }
    };
    const client = new Client().use(() => ClientResponse.of({ body: source() }));
    for await (const chunk of (await client.request(URL_)).body) {
      expect(chunk.byteLength).toBe(70_000);
      break;
    }
    await new Promise(setImmediate);
    expect(closed).toBe(true);
    const failing = async function* (): AsyncGenerator<string> {
      yield await Promise.resolve('x');
      throw GONE;
    };
    const other = new Client().use(() => ClientResponse.of({ body: failing() }));
    await expect((await other.request(URL_)).text()).rejects.toBe(GONE);
    await Promise.all([client.close(), other.close()]);
  });

  test('one asks twice, and one sees a streaming body', async () => {
    const statuses = [503, 200];
    const dispatch: DispatchFunction = (_request, handler) => {
      handler.onResponse({ status: statuses.shift() ?? 500 });
      for (const part of ['a', 'b', 'c']) handler.onData(part);
      handler.onEnd();
    };
    const seen: string[] = [];
    const client = new Client({ dispatch })
      .use(async (request, next) => {
        const response = await next(request);
        const body = (async function* () {
          for await (const chunk of response.body) {
            seen.push(Buffer.from(chunk).toString());
            yield chunk;
          }
        })();
        return ClientResponse.of({ status: response.status, headers: response.headers, body });
      })
      .use(async (request, next) => {
        const response = await next(request);
        if (response.status !== 503) return response;
        await response.dump();
        return next(request);
      });
    const response = await client.request(URL_);
    expect([response.status, await response.text(), seen]).toEqual([200, 'abc', ['a', 'b', 'c']]);
  });
});
