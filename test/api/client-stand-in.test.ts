// What stands in for the network of a client, by the option `dispatch` and `useDispatch`: who goes through it, and what it is asked.
import { Writable } from 'node:stream';

import type { DispatchedRequest, DispatchFunction } from '../../ts/index.js';
import { Client, defaultClient, fetch, request } from '../../ts/index.js';
import { Dispatcher } from '../../ts/compat/undici.js';
import { deferred } from '../support/condition.js';
import { URL_, echo, textOf } from '../support/stand-in.js';

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

test('the functions of the package go through that of the client that they share', async () => {
  defaultClient().useDispatch(echo);
  try {
    expect(await (await request(URL_)).text()).toBe(`GET ${URL_}`);
    expect(await (await fetch(URL_)).text()).toBe(`GET ${URL_}`);
  } finally {
    defaultClient().useDispatch(null);
  }
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
