// What stands in for the network of a client: the option `dispatch`, and `useDispatch`.
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';

import type { DispatchedRequest, DispatchFunction, DispatchReceiver, ExchangeControl } from '../../ts/index.js';
import { Client, ClientResponse, HeaderView } from '../../ts/index.js';
import { Dispatcher } from '../../ts/compat/undici.js';
import { deferred } from '../support/condition.js';

const URL_ = 'http://nobody.invalid/path';
const GONE = new Error('on purpose');

/** Answers at once with what was asked. */
const echo: DispatchFunction = ({ method, url }, handler) => {
  handler.onResponse({ status: 200, headers: { 'X-Mock': 'yes' } });
  handler.onData(`${method} ${url}`);
  handler.onEnd();
};

/** A function that leaves its receiver to the test. */
function held(): { fn: DispatchFunction; asked: Promise<{ request: DispatchedRequest; handler: DispatchReceiver }> } {
  const { promise, resolve } = deferred<{ request: DispatchedRequest; handler: DispatchReceiver }>();
  return { fn: (request, handler) => resolve({ request, handler }), asked: promise };
}

async function textOf(chunks: AsyncIterable<Uint8Array | string>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += Buffer.from(chunk as string).toString();
  return text;
}

describe('every way to ask goes through it', () => {
  const client = new Client({ dispatch: echo });

  test.each(['get', 'post', 'put', 'patch', 'delete'] as const)('%s', async (verb) => {
    const response = await client[verb](URL_);
    expect([response.status, response.headers.get('x-mock')]).toEqual([200, 'yes']);
    expect(await response.text()).toBe(`${verb.toUpperCase()} ${URL_}`);
  });

  test('request, with what the URL and the options add', async () => {
    const response = await client.request('http://nobody.invalid/a?b=c', { query: { d: 'é' } });
    expect([response.url, response.httpVersion, response.ok]).toEqual([
      'http://nobody.invalid/a?b=c&d=%C3%A9',
      '1.1',
      true,
    ]);
    expect(await response.text()).toBe('GET http://nobody.invalid/a?b=c&d=%C3%A9');
  });

  test('fetch, whose response is the platform’s', async () => {
    const response = await client.fetch(URL_, { method: 'PUT', body: 'x' });
    expect(response).toBeInstanceOf(Response);
    expect([response.headers.get('x-mock'), await response.text()]).toEqual(['yes', `PUT ${URL_}`]);
  });

  test('stream', async () => {
    let text = '';
    const write = (chunk: Buffer, _encoding: unknown, done: () => void): void => {
      text += chunk.toString();
      done();
    };
    const head = await client.stream(URL_, {}, () => new Writable({ write }));
    expect([head.status, text]).toEqual([200, `GET ${URL_}`]);
  });

  test('dispatch', async () => {
    const told: unknown[] = [];
    const { promise, resolve, reject } = deferred<void>();
    client.dispatch(
      { url: URL_, method: 'PURGE' },
      {
        onResponse: ({ status, url }) => void told.push(status, url),
        onData: (chunk) => void told.push(Buffer.from(chunk).toString()),
        onEnd: (trailers) => (told.push(trailers), resolve()),
        onError: reject,
      },
    );
    await promise;
    expect(told).toEqual([200, URL_, `PURGE ${URL_}`, null]);
  });

  test('undici’s Dispatcher over the client', async () => {
    const { promise, resolve, reject } = deferred<number>();
    new Dispatcher(client).dispatch(
      { origin: 'http://nobody.invalid', path: '/', method: 'GET' },
      { onHeaders: (status) => (resolve(status), true), onError: reject },
    );
    expect(await promise).toBe(200);
  });
});

test('no connection is made, and useDispatch(null) gives the network back', async () => {
  const client = new Client().useDispatch(echo);
  await (await client.request(URL_)).text();
  expect(client.stats().created).toBe(0);
  client.useDispatch(null);
  await expect(client.request('http://127.0.0.1:1/')).rejects.toMatchObject({ code: 'MILLRACE_SYSTEM' });
  expect(() => client.useDispatch('x' as never)).toThrow(/needs a function or null, got "x"/);
  expect(() => new Client({ dispatch: 1 as never })).toThrow(/option "dispatch" must be a function, got 1/);
  await client.close();
  // Closed is closed, whoever would answer.
  client.useDispatch(echo);
  await expect(client.request(URL_)).rejects.toMatchObject({ code: 'MILLRACE_CLIENT_CLOSED' });
});

describe('what it is asked', () => {
  const asked = async (
    options: Parameters<Client['request']>[1],
    client: ConstructorParameters<typeof Client>[0] = {},
    url = URL_,
  ): Promise<DispatchedRequest> => {
    let seen: DispatchedRequest | undefined;
    const dispatch: DispatchFunction = (request, handler, next) => {
      seen = request;
      echo(request, handler, next);
    };
    await (await new Client({ ...client, dispatch }).request(url, options)).text();
    return seen as DispatchedRequest;
  };

  test('the fields of the client and, in their place, of the request; text with its type', async () => {
    const { headers, body, method } = await asked(
      { method: 'POST', headers: { 'x-a': '2', 'X-List': ['1', '2'] }, body: '{}' },
      { headers: { 'X-A': '1', 'X-B': '1' } },
    );
    expect([method, body]).toEqual(['POST', '{}']);
    expect(headers).toEqual([
      ['X-B', '1'],
      ['x-a', '2'],
      ['X-List', '1'],
      ['X-List', '2'],
      ['Content-Type', 'text/plain; charset=utf-8'],
    ]);
  });

  test('credentials and cookies', async () => {
    const jar = { getCookieString: () => 'a=b', setCookie: () => undefined };
    const { headers } = await asked({}, { auth: { type: 'basic', username: 'u', password: 'p' }, jar });
    expect(headers).toEqual([
      ['Authorization', 'Basic dTpw'],
      ['Cookie', 'a=b'],
    ]);
  });

  test('a body in chunks, which can be read', async () => {
    const form = new FormData();
    form.append('name', 'value');
    const read = (async ({ headers, body }, handler) => {
      handler.onResponse({ status: 200, headers });
      handler.onData(await textOf(body as AsyncIterable<Uint8Array>));
      handler.onEnd();
    }) as (...args: Parameters<DispatchFunction>) => Promise<void>;
    const response = await new Client({ dispatch: (...args) => void read(...args) }).post(URL_, { body: form });
    expect(response.headers.get('content-type')).toMatch(/^multipart\/form-data; boundary=/);
    expect(await response.text()).toContain('name="name"\r\n\r\nvalue');
  });

  test('user information stays in the URL', async () => {
    const { url, headers } = await asked({}, {}, 'http://u:p@nobody.invalid/x');
    expect([url, headers]).toEqual(['http://u:p@nobody.invalid/x', []]);
  });
});

describe('what a response is made of', () => {
  test('a body in pieces, read as it comes, and trailers', async () => {
    const { fn, asked } = held();
    const waiting = new Client({ dispatch: fn }).request(URL_);
    const { handler } = await asked;
    handler.onResponse({
      status: 201,
      statusText: 'Made',
      headers: [
        ['A', '1'],
        ['A', '2'],
      ],
    });
    const response = await waiting;
    expect([response.status, response.statusText, response.headers.raw]).toEqual([201, 'Made', ['A', '1', 'A', '2']]);
    const chunks = response.body[Symbol.asyncIterator]();
    handler.onData('one');
    expect(Buffer.from((await chunks.next()).value as Uint8Array).toString()).toBe('one');
    const second = chunks.next();
    handler.onData(Buffer.from('two'));
    expect(Buffer.from((await second).value as Uint8Array).toString()).toBe('two');
    const last = chunks.next();
    handler.onEnd({ 'X-Sum': '6' });
    expect((await last).done).toBe(true);
    expect((await response.trailers)?.get('x-sum')).toBe('6');
  });

  test('what comes before anybody reads is kept; one that is held back is asked again by resume', async () => {
    const { fn, asked } = held();
    const waiting = new Client({ dispatch: fn }).request(URL_);
    const { handler } = await asked;
    let resumed = 0;
    handler.onResponse({ status: 200 }, { resume: () => (resumed++, handler.onData('b'), handler.onEnd()) });
    expect(handler.onData('a')).toBe(false);
    const response = await waiting;
    expect(resumed).toBe(0);
    expect(await response.text()).toBe('ab');
    expect(resumed).toBe(1);
  });

  test('one that does not care to be held back loses nothing', async () => {
    const dispatch: DispatchFunction = (_request, handler) => {
      handler.onResponse({ status: 200 });
      for (let count = 0; count < 100; count++) handler.onData(`${count},`);
      handler.onEnd(new HeaderView('T\x001\0'));
    };
    const response = await new Client({ dispatch }).request(URL_);
    expect(await response.text()).toBe(Array.from({ length: 100 }, (_, count) => `${count},`).join(''));
    expect((await response.trailers)?.raw).toEqual(['T', '1']);
  });

  test('informational responses come before it', async () => {
    const told: unknown[] = [];
    const dispatch: DispatchFunction = (request, handler, next) => {
      handler.onInformational(103, { Link: '</a>' });
      echo(request, handler, next);
    };
    const onInformational = (status: number, headers: HeaderView): void => void told.push(status, headers.get('link'));
    await (await new Client({ dispatch, onInformational }).request(URL_)).text();
    expect(told).toEqual([103, '</a>']);
  });

  test('codings are undone, sizes bounded, statuses thrown as with the network', async () => {
    const { gzipSync } = process.getBuiltinModule('node:zlib');
    const dispatch: DispatchFunction = (_request, handler) => {
      handler.onResponse({ status: 500, headers: { 'Content-Encoding': 'gzip' } });
      handler.onData(gzipSync('x'.repeat(1_000)));
      handler.onEnd();
    };
    const client = new Client({ dispatch });
    expect((await (await client.request(URL_)).text()).length).toBe(1_000);
    expect((await (await client.request(URL_, { maxResponseSize: 1_000 })).text()).length).toBe(1_000);
    await expect((await client.request(URL_, { maxResponseSize: 999 })).text()).rejects.toMatchObject({
      code: 'MILLRACE_RESPONSE_TOO_LARGE',
    });
    await expect(client.request(URL_, { throwOnError: true })).rejects.toMatchObject({ status: 500 });
  });

  test('a redirect is followed, a failure retried, each a call of its own', async () => {
    const urls: string[] = [];
    const dispatch: DispatchFunction = ({ url, body }, handler) => {
      urls.push(`${url}${typeof body === 'string' ? ` ${body}` : ''}`);
      if (url.endsWith('/path')) handler.onResponse({ status: 307, headers: { Location: '/other' } });
      else handler.onResponse({ status: urls.length < 3 ? 503 : 200 });
      handler.onEnd();
    };
    const client = new Client({ dispatch, retry: { minDelay: 1, maxDelay: 1 } });
    const response = await client.put(URL_, { body: 'b' });
    expect([response.status, response.redirects]).toEqual([200, 1]);
    const both = ['http://nobody.invalid/path b', 'http://nobody.invalid/other b'];
    expect(urls).toEqual([...both, ...both]);
  });
});

describe('what goes wrong', () => {
  const asks = (dispatch: DispatchFunction, options = {}): Promise<ClientResponse> =>
    new Client({ dispatch }).request(URL_, options);

  test('what it throws, rejects with or tells is the request’s failure, and fetch’s cause', async () => {
    const throwing: DispatchFunction = () => {
      throw GONE;
    };
    await expect(asks(throwing)).rejects.toBe(GONE);
    await expect(asks(() => Promise.reject(GONE) as never)).rejects.toBe(GONE);
    await expect(asks((_request, handler) => handler.onError(GONE))).rejects.toBe(GONE);
    await expect(new Client({ dispatch: throwing }).fetch(URL_)).rejects.toMatchObject({ cause: GONE });
  });

  test('an error in the middle of the body is the reader’s', async () => {
    const response = await asks((_request, handler) => {
      handler.onResponse({ status: 200 });
      handler.onData('half');
      handler.onError(GONE);
    });
    await expect(response.text()).rejects.toBe(GONE);
  });

  test('what comes after the end, or after an error, is ignored', async () => {
    let late: DispatchReceiver | undefined;
    const response = await asks((request, handler, next) => {
      late = handler;
      echo(request, handler, next);
      handler.onData('more');
      handler.onEnd({ A: '1' });
      handler.onError(GONE);
      handler.onResponse({ status: 500 });
    });
    expect([response.status, await response.text(), await response.trailers]).toEqual([200, `GET ${URL_}`, null]);
    expect(late?.onData('x')).toBe(false);
    const failing = asks((_request, handler) => {
      handler.onError(GONE);
      handler.onResponse({ status: 200 });
      handler.onEnd();
      throw new Error('another');
    });
    await expect(failing).rejects.toBe(GONE);
  });

  test.each<[string, DispatchFunction, RegExp]>([
    ['data before the head', (_request, handler) => void handler.onData('x'), /onData was called before onResponse/],
    ['the end before the head', (_request, handler) => handler.onEnd(), /onEnd was called before onResponse/],
    ['a status of 100', (_request, handler) => handler.onResponse({ status: 100 }), /from 200 to 999, got 100/],
    ['no status', (_request, handler) => handler.onResponse({} as never), /from 200 to 999, got undefined/],
    [
      'a reason of two lines',
      (_request, handler) => handler.onResponse({ status: 200, statusText: 'a\r\nb' }),
      /reason phrase/,
    ],
  ])('%s is refused', async (_name, dispatch, message) => {
    await expect(asks(dispatch)).rejects.toMatchObject({ code: 'MILLRACE_DISPATCH_INVALID' });
    await expect(asks(dispatch)).rejects.toThrow(message);
  });

  test('two heads, and a chunk that is none, end the body', async () => {
    const twice = await asks((_request, handler) => {
      handler.onResponse({ status: 200 });
      handler.onResponse({ status: 200 });
    });
    await expect(twice.text()).rejects.toThrow(/onResponse was called twice/);
    const odd = await asks((_request, handler) => {
      handler.onResponse({ status: 200 });
      handler.onData(1 as never);
    });
    await expect(odd.text()).rejects.toThrow(/onData needs bytes or text, got 1/);
  });

  test('fields that could split a head are refused', async () => {
    const dispatch: DispatchFunction = (_request, handler) =>
      handler.onResponse({ status: 200, headers: { A: 'b\r\nC: d' } });
    await expect(asks(dispatch)).rejects.toMatchObject({ code: 'MILLRACE_INVALID_ARGUMENT' });
  });
});

test.each(['onResponse', 'onData', 'onEnd'] as const)(
  'what a handler throws in %s comes back by onError, once',
  async (name) => {
    const source = createServer((_request, response) => response.end('whole'));
    await new Promise<void>((resolve) => source.listen(0, '127.0.0.1', resolve));
    const real = `http://127.0.0.1:${(source.address() as AddressInfo).port}`;
    for (const options of [{}, { dispatch: echo }]) {
      const client = new Client(options);
      const errors: unknown[] = [];
      const told = deferred();
      const calls: string[] = [];
      client.dispatch(
        { url: real },
        {
          onResponse: () => void calls.push('onResponse'),
          onData: () => void calls.push('onData'),
          onEnd: () => void calls.push('onEnd'),
          onError: (error) => (errors.push(error), told.resolve()),
          [name]: () => {
            calls.push(name);
            throw GONE;
          },
        },
      );
      await told.promise;
      await new Promise(setImmediate);
      expect(errors).toEqual([GONE]);
      const all = ['onResponse', 'onData', 'onEnd'];
      expect(calls).toEqual(all.slice(0, all.indexOf(name) + 1));
      await client.close();
    }
    source.closeAllConnections();
    source.close();
  },
);

describe('it is given up', () => {
  test('by a signal before it is asked, while it thinks, and in the body', async () => {
    const { fn, asked } = held();
    const client = new Client({ dispatch: fn });
    await expect(client.request(URL_, { signal: AbortSignal.abort('early') })).rejects.toMatchObject({
      name: 'AbortError',
      cause: 'early',
    });
    const controller = new AbortController();
    const waiting = client.request(URL_, { signal: controller.signal });
    const { request, handler } = await asked;
    expect(request.signal).toBe(controller.signal);
    controller.abort('late');
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError', cause: 'late' });
    handler.onResponse({ status: 200 });

    const other = new AbortController();
    const aborted: unknown[] = [];
    const third = new Client({
      dispatch: (_request, receiver) => {
        receiver.onResponse({ status: 200 });
        receiver.onData('half');
        return { abort: (reason) => void aborted.push(reason) };
      },
    });
    const response = await third.request(URL_, { signal: other.signal });
    other.abort(GONE);
    await expect(response.text()).rejects.toMatchObject({ name: 'AbortError', cause: GONE });
    expect(aborted).toMatchObject([{ name: 'AbortError' }]);
  });

  test('by the control of dispatch, once, whatever it does about it', () => {
    const reasons: unknown[] = [];
    const dispatch: DispatchFunction = (_request, handler) => ({
      abort: (reason) => {
        reasons.push(reason);
        handler.onError(new Error('its own'));
      },
    });
    const errors: unknown[] = [];
    const control = new Client({ dispatch }).dispatch(
      { url: URL_ },
      {
        onResponse: () => undefined,
        onData: () => undefined,
        onEnd: () => undefined,
        onError: (error) => void errors.push(error),
      },
    );
    control.abort(GONE);
    control.abort(GONE);
    expect(reasons).toEqual([GONE]);
    expect(errors).toMatchObject([{ message: 'its own' }]);
    expect(control.aborted).toBe(true);
  });

  test('by timeouts.total', async () => {
    const waiting = new Client({ dispatch: () => undefined }).request(URL_, { timeouts: { total: 20 } });
    await expect(waiting).rejects.toMatchObject({
      code: 'MILLRACE_TOTAL_TIMEOUT',
      limit: { option: 'timeouts.total', value: 20 },
    });
  });

  test('by one who does not want the body: a small rest is taken, of a large one it is told to stop', async () => {
    let stopped: unknown[] = [];
    const dispatch: DispatchFunction = (_request, handler) => {
      let sent = 0;
      const control: Partial<ExchangeControl> = {
        abort: (reason) => void stopped.push(reason),
        resume: () => {
          while (sent < 200 && handler.onData(Buffer.alloc(1024))) sent++;
          if (sent === 200) handler.onEnd();
        },
      };
      handler.onResponse({ status: 200 }, control);
      control.resume?.();
    };
    const client = new Client({ dispatch });
    await (await client.request(URL_)).dump(1 << 20);
    expect(stopped).toEqual([]);
    await (await client.request(URL_)).dump();
    expect(stopped).toHaveLength(1);
    stopped = [];
    for await (const chunk of (await client.request(URL_)).body) {
      expect(chunk.byteLength).toBe(1024);
      break;
    }
    expect(stopped).toHaveLength(1);
  });
});

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
        seen.push([request.method, type, length, own, body].join('|'));
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

test('it runs within the asynchronous context of its request, and its calls within the handler’s', async () => {
  const { AsyncLocalStorage } = process.getBuiltinModule('node:async_hooks');
  const storage = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const dispatch: DispatchFunction = (request, handler, next) => {
    seen.push(storage.getStore());
    storage.run('elsewhere', () => setImmediate(() => echo(request, handler, next)));
  };
  const client = new Client({ dispatch });
  const done = deferred<void>();
  storage.run('caller', () =>
    client.dispatch(
      { url: URL_ },
      {
        onResponse: () => void seen.push(storage.getStore()),
        onData: () => undefined,
        onEnd: () => done.resolve(),
        onError: done.reject,
      },
    ),
  );
  await done.promise;
  expect(seen).toEqual(['caller', 'caller']);
});
