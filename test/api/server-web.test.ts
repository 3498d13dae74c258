import { Request, Response, serve } from '../../ts/index.js';
import { chunked, endsWithItsTest, get, post, request, startWithClient } from '../support/test-server.js';

endsWithItsTest();

test('a fetch handler answers with our Response in one crossing', async () => {
  const { client } = await startWithClient({
    fetch: (req) =>
      new Response(`${req.method} ${new URL(req.url).pathname}`, { status: 201, headers: { 'X-A': 'b' } }),
  });
  client.send(get('/path?q=1'));
  const { status, headers, body } = await client.response();
  expect([status, headers['x-a'], headers['content-type'], body.toString()]).toEqual([
    201,
    ['b'],
    ['text/plain;charset=UTF-8'],
    'GET /path',
  ]);
});

test('a fetch handler may answer with the platform Response, streams included', async () => {
  const { client } = await startWithClient({
    fetch: () => {
      let left = 3;
      const body = new ReadableStream({
        pull(controller) {
          if (left-- > 0) controller.enqueue(Buffer.from(`part ${left} `));
          else controller.close();
        },
      });
      return new globalThis.Response(body, {
        headers: [
          ['Set-Cookie', 'a=1'],
          ['Set-Cookie', 'b=2'],
        ],
      });
    },
  });
  client.send(get());
  const { headers, body } = await client.response();
  expect(body.toString()).toBe('part 2 part 1 part 0 ');
  expect(headers['set-cookie']).toEqual(['a=1', 'b=2']);
});

test('our classes pass for the platform’s', async () => {
  const seen: boolean[] = [];
  const { client } = await startWithClient({
    fetch: (req) => {
      seen.push(req instanceof globalThis.Request, req instanceof Request);
      const response = new Response('x');
      seen.push((response as unknown) instanceof globalThis.Response);
      return response;
    },
  });
  client.send(get());
  await client.response();
  expect(seen).toEqual([true, true, true]);
});

test.each(['text', 'json', 'arrayBuffer', 'blob', 'formData'] as const)(
  'a request body is read by %s()',
  async (reader) => {
    const { client } = await startWithClient({
      fetch: async (req) => {
        const value: unknown = await req[reader]();
        if (value instanceof ArrayBuffer) return new Response(String(value.byteLength));
        if (value instanceof Blob) return new Response(await value.text());
        if (value instanceof FormData) return new Response(value.get('a') as string);
        return new Response(typeof value === 'string' ? value : JSON.stringify(value));
      },
    });
    const type = `Content-Type: ${reader === 'formData' ? 'application/x-www-form-urlencoded' : 'application/json'}`;
    const answer = await client.send(post('/', reader === 'formData' ? 'a=b' : '{"a":1}', type)).response();
    expect(answer.body.toString()).toBe(reader === 'arrayBuffer' ? '7' : reader === 'formData' ? 'b' : '{"a":1}');
  },
);

test('a streamed request body arrives chunk by chunk through the web stream', async () => {
  const { client } = await startWithClient({
    fetch: async (req) => new Response(String((await req.arrayBuffer()).byteLength)),
  });
  client.send(request('POST', '/', ['Transfer-Encoding: chunked']) + chunked(['abc', 'de']));
  expect((await client.response()).body.toString()).toBe('5');
  client.send(post('/', 'x'.repeat(100_000)));
  expect((await client.response()).body.toString()).toBe('100000');
});

test('an answer that is no Response, and one that rejects, is 500; the server lives', async () => {
  const errors: unknown[] = [];
  const { client } = await startWithClient({
    fetch: (req) => {
      if (req.url.endsWith('/nothing')) return undefined as unknown as Response;
      if (req.url.endsWith('/reject')) return Promise.reject(new Error('planned'));
      return new Response('ok');
    },
    onError: (error) => void errors.push(error),
  });
  for (const [target, status] of [
    ['/nothing', 500],
    ['/reject', 500],
    ['/', 200],
  ] as const) {
    client.send(get(target));
    expect((await client.response()).status).toBe(status);
  }
  expect(errors.map((error) => (error as Error & { code?: string }).code)).toEqual([
    'MILLRACE_HANDLER_FAILED',
    undefined,
  ]);
});

test('a status outside 200 to 599 is refused as by the platform', () => {
  expect(() => new Response('', { status: 99 })).toThrow(RangeError);
  expect(() => new Response('', { status: 600 })).toThrow(RangeError);
});

test('the signal of a request aborts when its client goes', async () => {
  let aborted = (): void => undefined;
  const gone = new Promise<void>((resolve) => (aborted = resolve));
  const { client } = await startWithClient({
    fetch: (req) => {
      req.signal.addEventListener('abort', () => aborted());
      arrived();
      return new Promise<never>(() => undefined);
    },
  });
  let arrived = (): void => undefined;
  const there = new Promise<void>((resolve) => (arrived = resolve));
  client.send(get());
  await there;
  client.reset();
  await gone;
});

test('serve refuses both kinds of handler together', async () => {
  await expect(serve({ handler: () => undefined, fetch: () => new Response() } as never)).rejects.toThrow(TypeError);
});
