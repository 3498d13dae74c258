import type { Middleware, ServerRequest, ServerResponse } from '../../ts/index.js';
import { Response, setLogger } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { endsWithItsTest, get, startWithClient } from '../support/test-server.js';

endsWithItsTest();

beforeEach(() => setLogger(null));
afterEach(() => setLogger(null));

const planned = new Error('planned');

/** Puts its name down on the way in and on the way out. */
function layer(name: string, heard: string[]): Middleware {
  return async (_req, _res, next) => {
    heard.push(`${name} in`);
    await next();
    heard.push(`${name} out`);
  };
}

/** The first response, and the errors that onError heard of. */
async function answerOf(
  middleware: Middleware[],
  answerer:
    | { handler(req: ServerRequest, res: ServerResponse): unknown }
    | { fetch(): Response | globalThis.Response | Promise<Response> },
) {
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const { client, server } = await startWithClient({ middleware, onError, ...(answerer as { handler(): unknown }) });
  const response = await client.send(get('/')).response();
  return { ...response, text: response.body.toString(), errors, server, client };
}

const handler = (_req: ServerRequest, res: ServerResponse): void => void res.end('handled');

test('functions run in order round the handler, and out again in reverse', async () => {
  const heard: string[] = [];
  const { text } = await answerOf([layer('a', heard), layer('b', heard)], {
    handler: async (_req, res) => {
      heard.push('handler');
      await new Promise((resolve) => setImmediate(resolve));
      heard.push('answered');
      res.end('handled');
    },
  });
  expect(text).toBe('handled');
  await until(() => heard.length === 6);
  expect(heard).toEqual(['a in', 'b in', 'handler', 'answered', 'b out', 'a out']);
});

test('one that answers itself keeps the request from the rest', async () => {
  let reached = false;
  const { status, text } = await answerOf([(_req, res) => void res.writeHead(401).end('who are you?')], {
    handler: () => void (reached = true),
  });
  expect([status, text, reached]).toEqual([401, 'who are you?', false]);
});

describe('a function as Connect has it', () => {
  test('goes on with next() without waiting', async () => {
    const { headers, text } = await answerOf(
      [
        (_req, res, next) => {
          res.setHeader('X-By', 'connect');
          void next();
        },
      ],
      { handler },
    );
    expect([headers['x-by'], text]).toEqual([['connect'], 'handled']);
  });

  test('may go on later', async () => {
    const late: Middleware = (_req, _res, next) => void setTimeout(() => void next(), 1);
    expect((await answerOf([late], { handler })).text).toBe('handled');
    expect((await answerOf([late], { fetch: () => new Response('fetched') })).text).toBe('fetched');
  });

  test('fails the request with next(error)', async () => {
    const { status, errors } = await answerOf([(_req, _res, next) => void next(planned)], { handler });
    expect([status, errors]).toEqual([500, [planned]]);
  });

  test('leaves the error of a handler behind it to onError, also when it went on late', async () => {
    const failing = { handler: () => Promise.reject(planned) };
    for (const fn of [
      (_req: unknown, _res: unknown, next: () => unknown) => void next(),
      (_req: unknown, _res: unknown, next: () => unknown) => void setTimeout(() => void next(), 1),
      (_req: unknown, res: unknown, next: () => unknown) => {
        void next();
        return res;
      },
    ]) {
      const { status, errors } = await answerOf([fn], failing);
      expect([status, errors]).toEqual([500, [planned]]);
    }
  });
});

test('one that awaits next() may deal with the error of what is behind it', async () => {
  const saving: Middleware = async (_req, res, next) => {
    try {
      await next();
    } catch (error) {
      res.statusCode = 409;
      res.end((error as Error).message);
    }
  };
  const { status, text, errors } = await answerOf([saving], {
    handler: () => {
      throw planned;
    },
  });
  expect([status, text, errors]).toEqual([409, 'planned', []]);
});

test.each([
  [
    'throws',
    () => {
      throw planned;
    },
  ],
  ['rejects', () => Promise.reject(planned)],
])('one that %s is answered for by onError', async (_name, fn) => {
  const { status, errors } = await answerOf([fn], { handler });
  expect([status, errors]).toEqual([500, [planned]]);
});

describe('calling next twice', () => {
  const misuse = expect.objectContaining({ code: 'MILLRACE_INVALID_STATE' }) as unknown;

  test('is misuse, and the handler runs once', async () => {
    let runs = 0;
    const { text, errors } = await answerOf(
      [
        (_req, _res, next) => {
          void next();
          void next();
        },
      ],
      {
        handler: (_req, res) => {
          runs++;
          res.end('handled');
        },
      },
    );
    await until(() => errors.length === 1);
    expect([text, runs, errors]).toEqual(['handled', 1, [misuse]]);
  });

  test('rejects where it is awaited', async () => {
    const seen: unknown[] = [];
    const { text } = await answerOf(
      [
        async (_req, _res, next) => {
          await next();
          await next().catch((error: unknown) => seen.push(error));
        },
      ],
      { handler },
    );
    await until(() => seen.length === 1);
    expect([text, seen]).toEqual(['handled', [misuse]]);
  });

  test('is heard of when everything is over', async () => {
    const { errors } = await answerOf(
      [
        (_req, _res, next) => {
          void next();
          setTimeout(() => void next(), 5);
        },
      ],
      { handler },
    );
    await until(() => errors.length === 1);
    expect(errors).toEqual([misuse]);
  });
});

describe('with fetch', () => {
  test('next() resolves with the Response, and one that returns nothing sends it', async () => {
    let status: unknown;
    const { text } = await answerOf(
      [
        async (_req, _res, next) => {
          ({ status } = (await next()) as Response);
        },
      ],
      { fetch: () => new Response('fetched', { status: 203 }) },
    );
    expect([status, text]).toEqual([203, 'fetched']);
  });

  test('one may answer with another Response', async () => {
    const { status, text } = await answerOf(
      [
        async (_req, _res, next) => {
          await next();
          return new Response('other', { status: 202 });
        },
      ],
      { fetch: () => new Response('fetched') },
    );
    expect([status, text]).toEqual([202, 'other']);
  });

  test('one may answer by res', async () => {
    const { status, text, errors } = await answerOf([(_req, res) => res.writeHead(403).end('no')], {
      fetch: () => new Response('fetched'),
    });
    expect([status, text, errors]).toEqual([403, 'no', []]);
  });

  test('fields that one has set go out with the Response, whose own come first', async () => {
    for (const made of [
      new Response('a', { headers: { 'X-Both': 'response', 'Set-Cookie': 'b=2' } }),
      new globalThis.Response('a', { headers: { 'X-Both': 'response', 'Set-Cookie': 'b=2' } }),
    ]) {
      const { headers } = await answerOf(
        [
          (_req, res, next) => {
            res.setHeader('X-Mine', 'middleware').setHeader('X-Both', 'middleware').setHeader('Set-Cookie', 'a=1');
            void next();
          },
        ],
        { fetch: () => made },
      );
      expect([headers['x-mine'], headers['x-both'], headers['set-cookie']]).toEqual([
        ['middleware'],
        ['response'],
        ['a=1', 'b=2'],
      ]);
    }
  });

  test('a Response that answers twice gets the fields of each request, and keeps its own that come more than once', async () => {
    const made = new Response('a', {
      status: 203,
      headers: [
        ['X-List', '1'],
        ['X-List', '2'],
        ['Content-Type', 'text/own'],
        ['Set-Cookie', 'b=2'],
      ],
    });
    let count = 0;
    const { client } = await startWithClient({
      middleware: [
        (_req, res, next) => {
          res.setHeader('X-Count', ++count).setHeader('X-List', 'middleware').setHeader('Content-Type', 'text/other');
          void next();
        },
      ],
      fetch: () => made,
    });
    for (const wanted of ['1', '2']) {
      const { status, headers, body } = await client.send(get('/')).response();
      expect([status, body.toString(), headers['x-count'], headers['x-list']]).toEqual([
        203,
        'a',
        [wanted],
        ['1', '2'],
      ]);
      expect([headers['content-type'], headers['set-cookie'], headers['content-length']]).toEqual([
        ['text/own'],
        ['b=2'],
        ['1'],
      ]);
    }
  });

  test('a handler that answers with something else is a failure', async () => {
    const { status, errors } = await answerOf([(_req, _res, next) => next()], {
      fetch: () => 'text' as unknown as Response,
    });
    expect(status).toBe(500);
    expect(errors).toEqual([expect.objectContaining({ code: 'MILLRACE_HANDLER_FAILED' })]);
  });

  test('an answer that nobody gave is a failure', async () => {
    const { status } = await answerOf([async () => undefined], { fetch: () => new Response('fetched') });
    expect(status).toBe(500);
  });
});

test('an option that is no list of functions is refused', async () => {
  await expect(startWithClient({ middleware: ['x'] as unknown as Middleware[], handler })).rejects.toThrow(
    'option "middleware" must be an array of functions, got an array',
  );
});
