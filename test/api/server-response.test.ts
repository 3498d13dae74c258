import type { HeadersInput } from '../../ts/message/head-text.js';
import type { ServerRequest, ServerResponse } from '../../ts/index.js';
import { metrics, setLogger } from '../../ts/index.js';
import { deferred, until } from '../support/condition.js';
import { endsWithItsTest, get, request, startWithClient } from '../support/test-server.js';

endsWithItsTest();
beforeAll(() => setLogger(null));
afterAll(() => setLogger(null));

/** A server whose handler is `run`, asked once; what the client got, as it stood on the wire. */
async function wire(run: (res: ServerResponse, req: ServerRequest) => unknown, ask = get('/', 'Connection: close')) {
  const { client } = await startWithClient({ handler: (req, res) => void run(res, req) });
  client.send(ask);
  return (await client.rest()).toString('latin1').replace(/^Date: .*\r\n/m, '');
}

const refused = (code = 'MILLRACE_INVALID_ARGUMENT'): object =>
  expect.objectContaining({ code, kind: 'misuse' }) as object;

/** What a call throws. */
function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

test('status, reason, fields in order and case, then one body', async () => {
  const text = await wire((res) =>
    res
      .writeHead(404, 'Gone Fishing', [
        ['X-B', '1'],
        ['x-a', ' two '],
        ['X-B', '3'],
      ])
      .end('no'),
  );
  expect(text).toBe(
    'HTTP/1.1 404 Gone Fishing\r\nX-B: 1\r\nX-B: 3\r\nx-a: two\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno',
  );
});

test('writes after a head are chunks, one for each, and none for an empty one', async () => {
  const text = await wire((res) => {
    res.write('ab');
    res.write('');
    res.write(new Uint8Array(0));
    res.write('ff', 'hex');
    res.end('c');
  });
  expect(text.slice(text.indexOf('\r\n\r\n') + 4)).toBe('2\r\nab\r\n1\r\n\xff\r\n1\r\nc\r\n0\r\n\r\n');
});

test.each<[string, (res: ServerResponse) => unknown]>([
  ['end', (res) => res.end('body')],
  ['end, of bytes that are pinned', (res) => res.end(Buffer.alloc(40_000))],
  ['writeHead and end', (res) => res.writeHead(201, { 'X-A': 'b' }).end('body')],
  ['send', (res) => res.send(new Uint8Array(5))],
  ['writes of one turn', (res) => (res.write('a'), res.write(Buffer.alloc(40_000)), res.end('b'))],
  ['early hints and the answer', (res) => (res.writeEarlyHints({ Link: '</a>' }), res.end('b'))],
])('one write carries head and body together: %s', async (_name, answer) => {
  const { client } = await startWithClient({ handler: (_req, res) => void answer(res) });
  const calls = (): number => metrics.snapshot().counters.millrace_sockets_send_calls_total;
  const exchange = async (): Promise<void> => {
    client.send(get());
    let status = 0;
    while (status < 200) ({ status } = await client.response());
  };
  // Through TLS the first is preceded by tickets.
  await exchange();
  const before = calls();
  await exchange();
  expect(calls() - before).toBe(1);
});

test('writeContinue and writeEarlyHints stand before the answer, as often as they are called', async () => {
  const text = await wire((res) => {
    res.writeContinue();
    res.writeEarlyHints({ Link: ['</a.css>; rel=preload', '</b.css>; rel=preload'] });
    res.writeEarlyHints({ link: '</c.css>' });
    res.end('x');
  });
  expect(text).toBe(
    'HTTP/1.1 100 Continue\r\n\r\n' +
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.css>; rel=preload\r\n\r\n' +
      'HTTP/1.1 103 Early Hints\r\nlink: </c.css>\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx',
  );
});

test('no 1xx goes to an HTTP/1.0 client (RFC 9110 §15.2)', async () => {
  const text = await wire((res) => {
    res.writeContinue();
    res.writeEarlyHints({ Link: '</a>' });
    res.end('x');
  }, 'GET / HTTP/1.0\r\n\r\n');
  expect(text).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx');
});

test('a 1xx after the head is refused', async () => {
  const errors: unknown[] = [];
  await wire((res) => {
    res.flushHeaders();
    errors.push(
      thrown(() => res.writeContinue()),
      thrown(() => res.writeEarlyHints({ a: 'b' })),
    );
    res.end();
  });
  expect(errors).toEqual([refused('MILLRACE_HTTP_HEADERS_SENT'), refused('MILLRACE_HTTP_HEADERS_SENT')]);
});

test.each([
  ['HEAD, by end', 'HEAD', 200, 'Content-Length: 4\r\n', (res: ServerResponse) => res.end('body')],
  [
    'HEAD, by write',
    'HEAD',
    200,
    'Transfer-Encoding: chunked\r\n',
    (res: ServerResponse) => (res.write('body'), res.end()),
  ],
  ['204', 'GET', 204, '', (res: ServerResponse) => res.end('body')],
  ['204, by write', 'GET', 204, '', (res: ServerResponse) => (res.write('body'), res.end('more'))],
  ['304', 'GET', 304, '', (res: ServerResponse) => res.end('body')],
  [
    '304 with a length',
    'GET',
    304,
    'Content-Length: 9\r\n',
    (res: ServerResponse) => res.setHeader('content-length', 9).end(),
  ],
  ['205', 'GET', 205, 'Content-Length: 0\r\n', (res: ServerResponse) => res.end('body')],
] as const)('%s: no body, whatever is written', async (_name, method, status, framing, answer) => {
  const { client } = await startWithClient({
    handler: (_req, res) => {
      res.statusCode = status;
      answer(res);
    },
  });
  client.send(request(method, '/').repeat(2));
  for (let count = 0; count < 2; count++) {
    const head = await client.until('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(/^(Content-Length|Transfer-Encoding): .*\r\n/m.exec(head)?.[0] ?? '').toBe(framing);
  }
  expect(client.pending.length).toBe(0);
});

test.each(['a b', 'a:b', 'ü', '', 'a\r\nb', 'a\0'])('a field name of %j is refused by every call', async (name) => {
  const errors: unknown[] = [];
  await wire((res) => {
    const headers: HeadersInput = [[name, 'v']];
    errors.push(
      thrown(() => res.setHeader(name, 'v')),
      thrown(() => res.appendHeader(name, 'v')),
      thrown(() => res.writeHead(200, headers)),
      thrown(() => res.writeEarlyHints(headers)),
      thrown(() => res.addTrailers(headers)),
    );
    res.end();
  });
  expect(errors).toEqual([refused(), refused(), refused(), refused(), refused()]);
});

test.each(['a\r\nX-Evil: 1', 'a\n', '\ra', 'a\0', 'a\x7f', '\u0100', '\ud83d\ude00'])(
  'a field value of %j is refused by every call, also in a list',
  async (value) => {
    const errors: unknown[] = [];
    const text = await wire((res) => {
      errors.push(
        thrown(() => res.setHeader('x', value)),
        thrown(() => res.setHeader('x', ['good', value])),
        thrown(() => res.appendHeader('x', value)),
        thrown(() => res.writeHead(200, { x: value })),
        thrown(() => res.writeEarlyHints({ x: value })),
        thrown(() => res.addTrailers({ x: value })),
      );
      res.end();
    });
    expect(errors).toEqual(Array(6).fill(refused()));
    expect(text).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  },
);

test.each(['a\r\nX-Evil: 1', 'a\0', '\u0100'])('a reason of %j never reaches the wire', async (reason) => {
  const { client } = await startWithClient({
    handler: (_req, res) => res.writeHead(200, reason).end('x'),
  });
  client.send(get());
  const { status, head } = await client.response();
  expect(status).toBe(500);
  expect(head).not.toContain('Evil');
});

test.each([99, 100, 101, 199, 1000, 200.5, NaN])('a status of %p is refused', async (status) => {
  const errors: unknown[] = [];
  const text = await wire((res) => {
    errors.push(thrown(() => res.writeHead(status)));
    res.statusCode = status;
    errors.push(thrown(() => res.end('x')));
    res.statusCode = 200;
    res.end('y');
  });
  expect(errors).toEqual([refused(), refused()]);
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\ny$/s);
});

test('an answer that is refused can be answered otherwise: the client is not left waiting', async () => {
  const told: unknown[] = [];
  const { client } = await startWithClient({
    handler: (req, res) => {
      if (req.path === '/length') res.setHeader('Content-Length', 1).end('ab');
      else if (req.path === '/status') Object.assign(res, { statusCode: 101 }).end();
      else res.writeHead(200, 'a\nb').flushHeaders();
    },
    onError: (error) => void told.push(error),
  });
  for (const path of ['/length', '/status', '/reason']) {
    client.send(get(path));
    expect((await client.response()).status).toBe(500);
  }
  expect(told).toEqual([refused('MILLRACE_HTTP_RESPONSE_BODY_MISMATCH'), refused(), refused()]);
});

test('a body that is longer or shorter than its Content-Length is refused, and does not look complete', async () => {
  const errors: unknown[] = [];
  const longer = await wire((res) => {
    res.setHeader('Content-Length', 2).write('a');
    errors.push(thrown(() => res.write('bc')));
    res.destroy();
  });
  const shorter = await wire((res) => {
    res.setHeader('Content-Length', 2).write('a');
    errors.push(thrown(() => res.end()));
  });
  const whole = await wire((res) => {
    errors.push(thrown(() => res.setHeader('Content-Length', 2).end('abc')));
    res.destroy();
  });
  expect(errors).toEqual(Array(3).fill(refused('MILLRACE_HTTP_RESPONSE_BODY_MISMATCH')));
  for (const text of [longer, shorter]) expect(text).not.toMatch(/\r\n\r\nab/);
  expect(whole).toBe('');
});

test('trailers stand behind a chunked body, whether the client said TE: trailers or not', async () => {
  const run = (res: ServerResponse): void => {
    res.write('x');
    res.addTrailers({ 'X-Sum': '1' });
    res.addTrailers([['x-sum', '2']]);
    res.end('y');
  };
  const end = '1\r\nx\r\n1\r\ny\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n';
  expect(await wire(run, get('/', 'Connection: close, TE', 'TE: trailers'))).toMatch(new RegExp(`\r\n\r\n${end}$`));
  expect(await wire(run)).toMatch(new RegExp(`\r\n\r\n${end}$`));
});

test('trailers make a whole body chunked', async () => {
  const text = await wire((res) => {
    res.addTrailers({ a: 'b' });
    res.end('x');
  });
  expect(text).toMatch(/Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\na: b\r\n\r\n$/);
});

test.each(['Content-Length', 'transfer-encoding', 'Host', 'Set-Cookie', 'Trailer'])(
  '%s may not be a trailer (RFC 9110 §6.5.1): end throws and the answer does not look complete',
  async (name) => {
    const errors: unknown[] = [];
    const text = await wire((res) => {
      res.write('x');
      res.addTrailers({ [name]: '5' });
      errors.push(thrown(() => res.end()));
      res.destroy();
    });
    expect(errors).toEqual([refused()]);
    expect(text).not.toContain('0\r\n');
  },
);

test.each([
  ['whole', () => undefined],
  ['after a part of it', (res: ServerResponse) => res.write('part,')],
])('a body that is none is refused by end, %s, and the response can still end', async (_when, before) => {
  const errors: unknown[] = [];
  const text = await wire((res) => {
    before(res);
    errors.push(thrown(() => res.end(5 as unknown as string)));
    errors.push(thrown(() => res.end({} as Uint8Array)));
    res.end('end');
  });
  expect(errors).toEqual([refused('MILLRACE_INVALID_ARGUMENT'), refused('MILLRACE_INVALID_ARGUMENT')]);
  expect(text).toContain('end');
});

test('fields that are no object are refused in words, and change nothing', async () => {
  const errors: unknown[] = [];
  const text = await wire((res) => {
    const calls = [res.writeHead.bind(res, 200), res.addTrailers.bind(res), res.writeEarlyHints.bind(res)];
    for (const call of calls) errors.push(thrown(() => call(5 as never)));
    res.end('end');
  });
  expect(errors).toEqual(Array(3).fill(refused()));
  expect(text).toContain('end');
});

test.each<[string, (res: ServerResponse) => unknown, string]>([
  ['a length that is none', (res) => res.setHeader('Content-Length', 'x').end('a'), 'Content-Length must be one'],
  ['two lengths', (res) => res.setHeader('Content-Length', ['1', '2']).end('a'), 'got "1", "2"'],
  ['a coding', (res) => res.setHeader('Transfer-Encoding', 'gzip').end('a'), 'no other coding than chunked'],
  ['a reason of two lines', (res) => res.writeHead(200, 'a\r\nb').end('a'), 'statusMessage has a character'],
  [
    'a trailer of framing',
    (res) => {
      res.addTrailers({ 'X-Sum': '1', 'Content-Length': '1' });
      res.end('a');
    },
    'must not follow the body (RFC 9110 §6.5.1): "X-Sum", "Content-Length"',
  ],
  ['a name that is none', (res) => res.getHeader(5 as never), 'the name of a field must be a string, got 5'],
])('what is wrong with a head is said: %s', async (_what, run, words) => {
  let error: unknown;
  await wire((res) => {
    error = thrown(() => run(res));
    res.destroy();
  });
  expect(error).toMatchObject({ code: 'MILLRACE_INVALID_ARGUMENT', name: 'TypeError' });
  expect((error as Error).message).toContain(words);
});

test('trailers after the end are refused', async () => {
  const errors: unknown[] = [];
  await wire((res) => {
    res.end('x');
    errors.push(thrown(() => res.addTrailers({ a: 'b' })));
  });
  expect(errors).toEqual([refused('MILLRACE_INVALID_STATE')]);
});

test('late calls after the end change nothing and throw nothing, but for those that would change the head', async () => {
  const done = deferred<ServerResponse>();
  const { client } = await startWithClient({ handler: (_req, res) => done.resolve(res.end('done')) });
  client.send(get());
  expect((await client.response()).body.toString()).toBe('done');
  const res = await done.promise;
  await until(() => res.closed);
  expect([res.write('late'), res.end('later'), res.headersSent, res.writableEnded]).toEqual([false, res, true, true]);
  res.flushHeaders();
  res.destroy();
  await res.drained();
  await expect(res.send('late')).rejects.toMatchObject({ code: 'MILLRACE_STREAM_CLOSED' });
  for (const call of [
    () => res.setHeader('a', 'b'),
    () => res.removeHeader('a'),
    () => res.writeHead(200),
    () => res.writeContinue(),
  ]) {
    expect(thrown(call)).toEqual(refused('MILLRACE_HTTP_HEADERS_SENT'));
  }
  // The connection goes on, untouched by all of that.
  client.send(get());
  expect((await client.response()).body.toString()).toBe('done');
});
