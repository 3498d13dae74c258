// traceparent from a server of ours, through its handler, to whom a client of ours asks.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import type { ClientOptions, RequestOptions, Server } from '../../ts/index.js';
import { Client, getLogContext, serve, withLogContext } from '../../ts/index.js';
import { parseTraceParent } from '../../ts/log/trace-parent.js';
import { census } from '../../ts/native/events.js';
import { until } from '../support/condition.js';
import { destroyed } from '../support/test-server.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;

type Seen = { traceparent: string | null; tracestate: string | null };

let back: Server;
let front: Server;
let client: Client;
/** What the front's handler asks with. */
let asks: RequestOptions;
let clientOptions: ClientOptions;

let before: number;

beforeAll(async () => {
  before = census().connections;
  back = await serve({
    port: 0,
    host: '127.0.0.1',
    handler: (req, res) => {
      if (req.path === '/redirect') return res.writeHead(307, { Location: '/' }).end();
      const { headers } = req;
      const lines = [...headers].filter(([name]) => name.toLowerCase().startsWith('trace'));
      res.setHeader('X-Lines', String(lines.length));
      return res.end(
        JSON.stringify({
          traceparent: headers.get('traceparent') ?? null,
          tracestate: headers.get('tracestate') ?? null,
        }),
      );
    },
  });
  front = await serve({
    port: 0,
    host: '127.0.0.1',
    logContext: true,
    handler: async (req, res) => {
      await new Promise(setImmediate);
      const answers: unknown[] = [];
      for (let round = 0; round < 2; round++) {
        answers.push(await (await client.request(new URL(req.path, back.url), asks)).json());
      }
      res.end(JSON.stringify(answers));
    },
  });
});

beforeEach(() => {
  asks = {};
  clientOptions = { traceparent: true };
});

afterEach(() => client.close());

afterAll(async () => {
  await destroyed(front, back);
  // What is left would be held against the next file of this process.
  await until(() => census().connections === before, 'the connections are closed');
});

/** Asks the front with these fields; what the back has seen of its two requests. */
async function ask(headers: Record<string, string>, path = '/'): Promise<[Seen, Seen]> {
  client = new Client(clientOptions);
  const outer = new Client();
  const answer = await (await outer.request(new URL(path, front.url), { headers })).json<[Seen, Seen]>();
  await outer.close();
  return answer;
}

test('is not passed on unless it was asked for', async () => {
  clientOptions = {};
  expect(await ask({ traceparent: TRACEPARENT, tracestate: 'a=1' })).toEqual(
    Array(2).fill({ traceparent: null, tracestate: null }),
  );
});

test('is passed on with the same trace and a new span for each request, tracestate as it came', async () => {
  const [first, second] = await ask({ traceparent: TRACEPARENT, tracestate: 'rojo=1 ,congo=2' });
  const spans = [first, second].map(({ traceparent }) => parseTraceParent(traceparent ?? ''));
  expect(spans).toMatchObject(Array(2).fill({ traceId: TRACE, sampled: true }));
  expect(new Set([PARENT, ...spans.map((span) => span?.parentId)]).size).toBe(3);
  expect([first.tracestate, second.tracestate]).toEqual(['rojo=1,congo=2', 'rojo=1,congo=2']);
});

test('asked for by one request, refused by one, and by origin', async () => {
  clientOptions = {};
  asks = { traceparent: true };
  expect((await ask({ traceparent: TRACEPARENT }))[0].traceparent).toContain(TRACE);
  clientOptions = { traceparent: true };
  asks = { traceparent: false };
  expect((await ask({ traceparent: TRACEPARENT }))[0].traceparent).toBeNull();
  asks = {};
  clientOptions = { origins: { [new URL(back.url).origin]: { traceparent: true } } };
  expect((await ask({ traceparent: TRACEPARENT }))[0].traceparent).toContain(TRACE);
});

test.each<[string, string | undefined]>([
  ['none', undefined],
  ['malformed', '00-bad'],
  ['of version ff', `ff-${TRACE}-${PARENT}-01`],
  ['with a zero trace id', `00-${'0'.repeat(32)}-${PARENT}-01`],
  ['with a zero parent id', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['in upper case', TRACEPARENT.toUpperCase()],
])('one that is %s is not passed on, nor its tracestate', async (_name, traceparent) => {
  const fields: Record<string, string> = traceparent === undefined ? {} : { traceparent };
  expect((await ask({ ...fields, tracestate: 'a=1' }))[0]).toEqual({ traceparent: null, tracestate: null });
});

test('of a later version it goes on in the version that we know, with the flag that we know', async () => {
  const [{ traceparent }] = await ask({ traceparent: `cc-${TRACE}-${PARENT}-ff-more` });
  expect(traceparent).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
});

test('a malformed tracestate goes, the traceparent stays', async () => {
  const [seen] = await ask({ traceparent: TRACEPARENT, tracestate: 'a=1,B=2' });
  expect(seen.tracestate).toBeNull();
  expect(seen.traceparent).toContain(TRACE);
});

test('the caller’s own is left as it is', async () => {
  const own = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`;
  asks = { headers: { Traceparent: own, tracestate: 'mine=1' } };
  expect((await ask({ traceparent: TRACEPARENT, tracestate: 'a=1' }))[0]).toEqual({
    traceparent: own,
    tracestate: 'mine=1',
  });
  asks = {};
  clientOptions = { traceparent: true, headers: { traceparent: own } };
  expect((await ask({ traceparent: TRACEPARENT, tracestate: 'a=1' }))[0]).toEqual({
    traceparent: own,
    tracestate: null,
  });
});

test('a redirected request is two, each with a span of its own', async () => {
  const spans: string[] = [];
  const listen = (message: unknown): void => {
    const { headers } = (message as { request: { headers: string[] } }).request;
    const place = headers.indexOf('traceparent');
    if (place >= 0) spans.push(headers[place + 1]);
  };
  subscribe('undici:client:sendHeaders', listen);
  try {
    await ask({ traceparent: TRACEPARENT }, '/redirect');
  } finally {
    unsubscribe('undici:client:sendHeaders', listen);
  }
  const ours = spans.filter((span) => span.includes(TRACE) && span !== TRACEPARENT);
  expect(new Set(ours).size).toBe(4);
});

test('who traces by undici’s channels goes before it', async () => {
  const theirs = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`;
  const listen = (message: unknown): void => {
    const { request } = message as { request: { headers: string[]; addHeader(name: string, value: string): void } };
    if (!request.headers.some((text) => text.toLowerCase() === 'traceparent')) request.addHeader('traceparent', theirs);
  };
  subscribe('undici:request:create', listen);
  try {
    const [seen] = await ask({ traceparent: TRACEPARENT });
    expect(seen.traceparent).toBe(theirs);
  } finally {
    unsubscribe('undici:request:create', listen);
  }
});

test('who listens hears of each hop in the context of the call', async () => {
  const seen: unknown[] = [];
  const listen = (): void => void seen.push(getLogContext().who);
  client = new Client();
  subscribe('undici:request:create', listen);
  try {
    await withLogContext({ who: 'caller' }, async () => (await client.request(new URL('/redirect', back.url))).text());
  } finally {
    unsubscribe('undici:request:create', listen);
  }
  expect(seen).toEqual(['caller', 'caller']);
});

test('a context of a program’s own will do, and outside of any there is nothing', async () => {
  client = new Client({ traceparent: true });
  const seen = async (): Promise<Seen> => (await client.request(back.url)).json<Seen>();
  const { traceparent } = await withLogContext({ traceId: TRACE, parentId: PARENT, sampled: true }, seen);
  expect(traceparent).toMatch(new RegExp(`^00-${TRACE}-(?!${PARENT})[0-9a-f]{16}-01$`));
  expect(getLogContext()).toEqual({});
  expect((await seen()).traceparent).toBeNull();
  expect((await (await client.fetch(back.url)).json()) as Seen).toEqual({ traceparent: null, tracestate: null });
});

test('a function in place of the network passes it on with next', async () => {
  client = new Client({ traceparent: true, dispatch: (request, handler, next) => next(request, handler) });
  const answer = await withLogContext({ traceId: TRACE, parentId: PARENT }, async () => {
    return (await client.request(back.url)).json<Seen>();
  });
  expect(answer.traceparent).toContain(TRACE);
});
