// Several requests on one connection: what goes behind what, and what becomes of them when the connection ends.
import type { Socket } from 'node:net';

import type { ClientOptions, RequestOptions } from '../../ts/index.js';
import { Client, metrics } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { reset } from '../support/reset.js';
import type { ScriptedServer } from '../support/scripted-server.js';
import { onRequests, scriptedServer, trust } from '../support/scripted-server.js';
import { randomOf, seeds } from '../support/seed.js';
import { whatIsHeld } from '../support/what-is-held.js';

/** A request that a server has and has not answered. */
interface Asked {
  /** `GET /1` */
  readonly what: string;
  /** The number of its connection. */
  readonly on: number;
  readonly socket: Socket;
  /** With the path as the body. */
  answer(fields?: string): void;
}

let server: ScriptedServer;
let client: Client;
let gone: () => Promise<void>;
/** What the server has not answered, in the order of arrival; all that ever came; the most on one connection at a time. */
let open: Asked[];
let all: string[];
let most: number;

const answerOf = (what: string, fields = ''): string => {
  const body = what.slice(what.indexOf('/'));
  return `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
};

beforeEach(async () => {
  gone = whatIsHeld();
  [open, all, most] = [[], [], 0];
  server = await scriptedServer((socket, on) => {
    socket.on('close', () => (open = open.filter((one) => one.on !== on)));
    onRequests(socket, (head) => {
      // A body that came before has no capitals.
      const what = /[A-Z]+ \/\S*/.exec(head)?.[0] ?? '';
      const one: Asked = {
        ...{ what, on, socket },
        answer: (fields) => {
          open.splice(open.indexOf(one), 1);
          socket.write(answerOf(what, fields));
        },
      };
      open.push(one);
      all.push(what);
      most = Math.max(most, open.filter((other) => other.on === on).length);
    });
  });
});

afterEach(async () => {
  client.destroy();
  await server.end();
  await gone();
});

function make(pipelining: number, options: ClientOptions = {}): void {
  client = new Client({ pipelining, pool: { maxConnectionsPerOrigin: 1 }, ...trust(), ...options });
}

/** Asks for `/name`; the text of the answer. */
async function ask(name: string | number, options: RequestOptions = {}): Promise<string> {
  return (await client.request(`${server.url}/${name}`, options)).text();
}

const asks = (count: number, options?: RequestOptions): Promise<string>[] =>
  Array.from({ length: count }, (_, number) => ask(number, options));
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    (answer) => `answered ${String(answer)}`,
    (error: Error & { code?: string }) => (error.name === 'AbortError' ? error.name : (error.code ?? error.name)),
  );
const waitFor = (count: number): Promise<void> => until(() => open.length === count, `${count} requests at the server`);
const whats = (): string[] => open.map(({ what }) => what);
const counter = (name: string): number => metrics.snapshot().counters[name as never] ?? 0;

describe('what goes behind what', () => {
  test.each([1, 2, 3, 7])(
    'of %i on a connection there are so many and never one more, answered in their order',
    async (depth) => {
      make(depth);
      const texts = asks(3 * depth + 1);
      for (let number = 0; number < 3 * depth + 1; number++) {
        await waitFor(Math.min(depth, 3 * depth + 1 - number));
        expect(whats()[0]).toBe(`GET /${number}`);
        open[0].answer();
      }
      expect(await Promise.all(texts)).toEqual(texts.map((_, number) => `/${number}`));
      expect(most).toBe(depth);
      expect(client.stats()).toMatchObject({ created: 1, running: 0, free: 1, queued: 0 });
    },
  );

  test('a connection is filled before another is opened, and one more than it takes goes to another', async () => {
    make(3, { pool: {} });
    const texts = asks(3);
    await waitFor(3);
    expect(client.stats()).toMatchObject({ created: 1, running: 1, connected: 1 });
    texts.push(ask(3));
    await waitFor(4);
    expect(client.stats()).toMatchObject({ created: 2, running: 2 });
    expect(open.map(({ on }) => on)).toEqual([0, 0, 0, 1]);
    // The one with fewer is taken next.
    texts.push(ask(4));
    await waitFor(5);
    expect(open[4].on).toBe(1);
    for (const one of [...open]) one.answer();
    expect(await Promise.all(texts)).toEqual(['/0', '/1', '/2', '/3', '/4']);
  });

  test('what is asked in one turn leaves in one write, and is counted', async () => {
    make(5);
    await Promise.all([ask('warm'), waitFor(1).then(() => open[0].answer())]);
    const [sends, behind] = ['millrace_sockets_send_calls_total', 'millrace_http_client_pipelined_total'].map(counter);
    const texts = asks(5);
    await waitFor(5);
    expect(counter('millrace_sockets_send_calls_total') - sends).toBe(1);
    expect(counter('millrace_http_client_pipelined_total') - behind).toBe(4);
    for (const one of [...open]) one.answer();
    await Promise.all(texts);
  });

  /** Each is asked third, after two GETs and before another. */
  const ALONE: [string, RequestOptions][] = [
    ['POST', { method: 'POST', body: 'text' }],
    [
      'PUT',
      {
        method: 'PUT',
        body: (async function* () {
          yield await Promise.resolve('text');
        })(),
        headers: { 'content-length': '4' },
      },
    ],
    ['GET', { idempotent: false }],
    ['QUERY', { method: 'QUERY', idempotent: false }],
  ];
  test.each(ALONE)(
    '%s %j waits for an empty pipe, and nothing follows it until it is answered',
    async (method, options) => {
      make(4);
      const texts = [ask(0), ask(1), ask(2, options)];
      await until(() => open.length === 2 && client.stats().queued === 1);
      texts.push(ask(3), ask(4));
      open[0].answer();
      await until(() => client.stats().queued === 3 && open.length === 1);
      expect(whats()).toEqual(['GET /1']);
      open[0].answer();
      await waitFor(1);
      expect(whats()).toEqual([`${method} /2`]);
      open[0].answer();
      await waitFor(2);
      expect(whats()).toEqual(['GET /3', 'GET /4']);
      for (const one of [...open]) one.answer();
      expect(await Promise.all(texts)).toEqual(['/0', '/1', '/2', '/3', '/4']);
    },
  );

  test('a POST that may be sent twice, a PUT with a body in memory and a HEAD go behind others', async () => {
    make(4);
    const texts = [
      ask(0),
      ask(1, { method: 'POST', idempotent: true }),
      ask(2, { method: 'DELETE' }),
      client.head(`${server.url}/3`).then(({ status }) => String(status)),
    ];
    await waitFor(4);
    expect(whats()).toEqual(['GET /0', 'POST /1', 'DELETE /2', 'HEAD /3']);
    for (const one of open.slice(0, 3)) one.answer();
    open[0].socket.write('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n');
    expect(await Promise.all(texts)).toEqual(['/0', '/1', '/2', '200']);
  });

  test('a client that did not ask for it shares no connection with one that did while it is busy', async () => {
    make(4, { pool: {} });
    const other = new Client({ pool: client.pool, ...trust() });
    const texts = [other.request(`${server.url}/0`).then((response) => response.text()), ask(1)];
    await waitFor(2);
    texts.push(other.request(`${server.url}/2`).then((response) => response.text()));
    await waitFor(3);
    expect(most).toBe(1);
    for (const one of [...open]) one.answer();
    expect((await Promise.all(texts)).sort()).toEqual(['/0', '/1', '/2']);
  });

  test('a request that says Connection: close is the last on its connection', async () => {
    make(4, { pool: {} });
    const texts = [ask(0), ask(1, { headers: { connection: 'close' } }), ask(2)];
    await waitFor(3);
    expect(open.map(({ on }) => on)).toEqual([0, 0, 1]);
    for (const one of [...open]) one.answer();
    expect(await Promise.all(texts)).toEqual(['/0', '/1', '/2']);
    await until(() => client.stats().connected === 1);
  });

  test('maxRequestsPerConnection counts those that go behind others', async () => {
    make(4, { pool: { maxConnectionsPerOrigin: 1, maxRequestsPerConnection: 3 } });
    const texts = asks(4);
    await waitFor(3);
    for (const one of [...open]) one.answer();
    await waitFor(1);
    expect(open[0].on).toBe(1);
    open[0].answer();
    expect(await Promise.all(texts)).toEqual(['/0', '/1', '/2', '/3']);
    expect(client.stats().retired).toEqual({ requests: 1 });
  });

  test('fetch and dispatch go behind others as well', async () => {
    make(3);
    const dispatched = new Promise<string>((resolve, reject) => {
      let text = '';
      const onData = (chunk: Uint8Array): void => void (text += Buffer.from(chunk).toString());
      client.dispatch(
        { url: `${server.url}/0` },
        { onResponse: () => undefined, onData, onEnd: () => resolve(text), onError: reject },
      );
    });
    const fetched = client.fetch(`${server.url}/1`).then((response) => response.text());
    const texts = [dispatched, fetched, ask(2)];
    await waitFor(3);
    expect(whats()).toEqual(['GET /0', 'GET /1', 'GET /2']);
    for (const one of [...open]) one.answer();
    expect(await Promise.all(texts)).toEqual(['/0', '/1', '/2']);
  });
});

describe('answers', () => {
  /** Four answers framed in four ways, the third of which is of a HEAD. */
  const ANSWERS = [
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none',
    'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nt\r\n2;a=b\r\nwo\r\n0\r\nX-T: 1\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n',
    'HTTP/1.1 204 No Content\r\n\r\n',
    'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nthe rest',
  ].join('');

  test('are right wherever the bytes are parted', async () => {
    await server.end();
    let cut = 0;
    let asked = 0;
    server = await scriptedServer((socket) => {
      onRequests(socket, () => {
        if (++asked % 5 > 0) return;
        socket.write(ANSWERS.slice(0, cut));
        // The second part comes in a turn of its own.
        setImmediate(() => setImmediate(() => socket.end(ANSWERS.slice(cut))));
      });
    });
    make(5);
    const text = async (number: number): Promise<string> =>
      (await client.request(`${server.url}/${number}`, { method: number === 2 ? 'HEAD' : 'GET' })).text();
    for (cut = 0; cut <= ANSWERS.length; cut++) {
      expect([cut, await Promise.all([0, 1, 2, 3, 4].map(text))]).toEqual([cut, ['one', 'two', '', '', 'the rest']]);
    }
    expect(asked).toBe(5 * (ANSWERS.length + 1));
  });

  test('that nobody reads hold up those behind them, and no clock runs meanwhile', async () => {
    make(2, { timeouts: { headers: 100, body: 100 } });
    const first = client.request(`${server.url}/0`);
    const second = ask(1);
    await waitFor(2);
    const body = Buffer.alloc(4 << 20, 'x');
    open[0].socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
    open[0].socket.write(body);
    open[0].socket.write(answerOf('GET /1'));
    const response = await first;
    let told = false;
    void second.then(() => (told = true));
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(told).toBe(false);
    expect((await response.bytes()).byteLength).toBe(body.length);
    expect(await second).toBe('/1');
  });
});

describe('when the connection ends', () => {
  /** How a server ends a connection after an answer: saying so, with the end of its side, or by a reset. */
  const ENDS: [string, (one: Asked) => void][] = [
    ['saying so in its last answer', (one) => (one.answer('Connection: close\r\n'), one.socket.end())],
    ['without a word', (one) => (one.answer(), one.socket.end())],
    ['by a reset', (one) => (one.answer(), setImmediate(() => setImmediate(() => reset(one.socket))))],
  ];
  test.each(ENDS)(
    '%s, those that were not answered are asked again on others, and nothing is asked twice that was',
    async (_, end) => {
      make(4);
      const replays = counter('millrace_http_client_replays_total');
      const texts = asks(4);
      await waitFor(4);
      open[0].answer();
      await texts[0];
      end(open[0]);
      const served = new Set(['GET /0', 'GET /1']);
      while (served.size < 4) {
        await until(() => open.some(({ on }) => on > 0));
        const [one] = open.filter(({ on }) => on > 0);
        served.add(one.what);
        one.answer();
      }
      expect(await Promise.all(texts)).toEqual(['/0', '/1', '/2', '/3']);
      expect(all).toEqual(['GET /0', 'GET /1', 'GET /2', 'GET /3', 'GET /2', 'GET /3']);
      expect(counter('millrace_http_client_replays_total') - replays).toBe(2);
      expect(client.stats()).toMatchObject({ created: 2, connected: 1 });
    },
  );

  test('those that are asked again after a death without a word are each alone on their connection', async () => {
    make(4);
    const texts = asks(4);
    await waitFor(4);
    reset(open[0].socket);
    await waitFor(1);
    for (let number = 0; number < 4; number++) {
      await waitFor(1);
      expect(whats()).toEqual([`GET /${number}`]);
      open[0].answer();
    }
    expect(await Promise.all(texts)).toEqual(['/0', '/1', '/2', '/3']);
    expect(client.stats()).toMatchObject({ created: 2, retired: { stale: 1 } });
  });

  test('one whose second connection dies too fails with the code of that, and takes no other with it', async () => {
    make(3);
    const codes = [0, 1, 2].map((number) => codeOf(ask(number)));
    await waitFor(3);
    reset(open[0].socket);
    await until(() => open.length === 1 && open[0].on === 1);
    reset(open[0].socket);
    for (const on of [2, 2]) {
      await until(() => open.length === 1 && open[0].on === on);
      open[0].answer();
    }
    expect(await Promise.all(codes)).toEqual(['MILLRACE_CONNECTION_RESET', 'answered /1', 'answered /2']);
    expect(all).toHaveLength(6);
  });

  test('one that had begun to be answered fails, those behind it are asked again', async () => {
    make(3);
    const codes = [0, 1, 2].map((number) => codeOf(ask(number)));
    await waitFor(3);
    open[0].socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    for (const what of ['GET /1', 'GET /2']) {
      await until(() => open.length === 1 && open[0].what === what);
      open[0].answer();
    }
    expect(await Promise.all(codes)).toEqual(['MILLRACE_HTTP_INCOMPLETE_MESSAGE', 'answered /1', 'answered /2']);
  });

  test('an answer that is none fails the first alone', async () => {
    make(3);
    const codes = [0, 1, 2].map((number) => codeOf(ask(number)));
    await waitFor(3);
    open[0].socket.write('nonsense\r\n\r\n');
    for (const what of ['GET /1', 'GET /2']) {
      await until(() => open.length === 1 && open[0].what === what);
      open[0].answer();
    }
    expect((await codes[0]).startsWith('MILLRACE_HTTP_')).toBe(true);
    expect(await Promise.all(codes.slice(1))).toEqual(['answered /1', 'answered /2']);
  });

  test('a server that closes after each answer serves all of ten, whoever is behind', async () => {
    make(10);
    const texts = asks(10);
    for (let number = 0; number < 10; number++) {
      await until(() => open.length === 10 - number && open.every(({ on }) => on === number));
      expect(whats()[0]).toBe(`GET /${number}`);
      const [one] = open;
      one.answer('Connection: close\r\n');
      one.socket.end();
    }
    expect(await Promise.all(texts)).toEqual(texts.map((_, number) => `/${number}`));
    expect(client.stats()).toMatchObject({ created: 10, retired: { peer: 10 } });
  });

  test('while the last answer of a connection still comes, those behind it are asked on another', async () => {
    make(3, { pool: { maxConnectionsPerOrigin: 2 } });
    const texts = asks(3);
    await waitFor(3);
    const [{ socket }] = open;
    socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n/');
    await until(() => open.filter(({ on }) => on === 1).length === 2);
    socket.end('0');
    for (const one of open.filter(({ on }) => on === 1)) one.answer();
    expect(await Promise.all(texts)).toEqual(['/0', '/1', '/2']);
  });

  test('requests that find an idle connection dead go to another together', async () => {
    make(3);
    const warm = ask('warm');
    await waitFor(1);
    const [idle] = open;
    idle.answer();
    await warm;
    // Its end is with our kernel, and we have not been told.
    idle.socket.destroy();
    const texts = asks(3);
    await waitFor(3);
    expect(open.map(({ on }) => on)).toEqual([1, 1, 1]);
    for (const one of [...open]) one.answer();
    expect(await Promise.all(texts)).toEqual(['/0', '/1', '/2']);
    expect(all).toEqual(['GET /warm', 'GET /0', 'GET /1', 'GET /2']);
    expect(client.stats()).toMatchObject({ created: 2, retired: { stale: 1 } });
  });

  test('those that go to another connection while the client closes are served, and a full queue takes them back', async () => {
    make(3, { pool: { maxConnectionsPerOrigin: 1, maxQueued: 1 } });
    const texts = asks(3);
    await waitFor(3);
    texts.push(ask(3));
    await until(() => client.stats().queued === 1);
    const closed = client.close();
    for (let number = 0; number < 4; number++) {
      await until(() => open.length > 0 && open.every(({ on }) => on === number));
      const [one] = open;
      one.answer('Connection: close\r\n');
      one.socket.end();
    }
    expect(await Promise.all(texts)).toEqual(['/0', '/1', '/2', '/3']);
    await closed;
    expect(client.stats()).toMatchObject({ state: 'stopped', connected: 0, refused: 0 });
  });

  test('destroy ends them all', async () => {
    make(3);
    const codes = [0, 1, 2, 3].map((number) => codeOf(ask(number)));
    await waitFor(3);
    client.destroy();
    const [first, second, third, waiting] = await Promise.all(codes);
    expect(new Set([first, second, third])).toEqual(new Set(['MILLRACE_DESTROYED']));
    expect(waiting).toBe('MILLRACE_CLIENT_CLOSED');
    expect(all).toHaveLength(3);
  });
});

describe('cancelling and time', () => {
  test('the first that is cancelled takes the connection with it, and those behind it are asked again', async () => {
    make(3);
    const controller = new AbortController();
    const codes = [codeOf(ask(0, { signal: controller.signal })), codeOf(ask(1)), codeOf(ask(2))];
    await waitFor(3);
    controller.abort();
    for (const what of ['GET /1', 'GET /2']) {
      await until(() => open.length === 1 && open[0].what === what && open[0].on === 1);
      open[0].answer();
    }
    expect(await Promise.all(codes)).toEqual(['AbortError', 'answered /1', 'answered /2']);
    expect(client.stats().retired).toEqual({ discarded: 1 });
  });

  test('one that is cancelled lets those before it be answered, and has those behind it asked elsewhere', async () => {
    make(4, { pool: { maxConnectionsPerOrigin: 2 } });
    const controller = new AbortController();
    const signal = { signal: controller.signal };
    const codes = [codeOf(ask(0)), codeOf(ask(1)), codeOf(ask(2, signal)), codeOf(ask(3))];
    await waitFor(4);
    controller.abort();
    await until(() => open.some(({ what, on }) => what === 'GET /3' && on === 1));
    const [zero, one, two] = open;
    zero.answer();
    one.answer();
    // Its answer comes after all: nobody is given it.
    two.answer();
    await until(() => open.every(({ on }) => on === 1));
    open[0].answer();
    expect(await Promise.all(codes)).toEqual(['answered /0', 'answered /1', 'AbortError', 'answered /3']);
    await until(() => client.stats().connected === 1);
  });

  test('the clock of timeouts.headers begins when those before are answered', async () => {
    make(5, { timeouts: { headers: 250 } });
    const texts = asks(5);
    await waitFor(5);
    for (let left = 5; left > 0; left--) {
      await new Promise((resolve) => setTimeout(resolve, 80));
      open[0].answer();
    }
    expect(await Promise.all(texts)).toEqual(['/0', '/1', '/2', '/3', '/4']);
  });

  test('timeouts.headers of the first fails it alone, and the next has its own time', async () => {
    make(3, { timeouts: { headers: 60 } });
    const codes = [0, 1, 2].map((number) => codeOf(ask(number)));
    await waitFor(3);
    for (const what of ['GET /1', 'GET /2']) {
      await until(() => open.length === 1 && open[0].what === what);
      open[0].answer();
    }
    expect(await Promise.all(codes)).toEqual(['MILLRACE_RESPONSE_TIMEOUT', 'answered /1', 'answered /2']);
  });

  test('timeouts.total of one that waits behind others fails that one alone', async () => {
    make(3, { pool: { maxConnectionsPerOrigin: 2 } });
    const codes = [codeOf(ask(0)), codeOf(ask(1, { timeouts: { total: 60 } })), codeOf(ask(2))];
    await waitFor(3);
    expect(await codes[1]).toBe('MILLRACE_TOTAL_TIMEOUT');
    await until(() => open.some(({ on }) => on === 1));
    for (const one of [...open]) one.answer();
    expect(await Promise.all(codes)).toEqual(['answered /0', 'MILLRACE_TOTAL_TIMEOUT', 'answered /2']);
    await until(() => client.stats().connected === 1);
  });

  test('a body that came whole and is given up before it was read leaves no connection behind', async () => {
    make(1);
    const controller = new AbortController();
    const asked = client.request(`${server.url}/0`, { signal: controller.signal });
    await waitFor(1);
    const [{ socket }] = open;
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
    const response = await asked;
    const received = counter('millrace_sockets_received_bytes_total');
    socket.write('whole');
    await until(() => counter('millrace_sockets_received_bytes_total') >= received + 5);
    controller.abort();
    await expect(response.text()).rejects.toThrow();
    await gone();
    expect(client.stats().connected).toBe(0);
  });
});

test.each(seeds(3))(
  'random closes, cancels and depths: every answer is its request’s, no cap is passed (seed %i)',
  async (seed) => {
    const random = randomOf(seed);
    const [depth, cap] = [1 + random(6), 1 + random(3)];
    make(depth, { pool: { maxConnectionsPerOrigin: cap } });
    const outcomes: Promise<void>[] = [];
    const wrong: string[] = [];
    const controllers: AbortController[] = [];
    let [number, finished] = [0, 0];
    const begin = (): void => {
      const own = `n${number++}`;
      const controller = new AbortController();
      controllers.push(controller);
      const method = random(5) === 0 ? 'POST' : 'GET';
      const code = codeOf(ask(own, { method, signal: controller.signal }));
      outcomes.push(
        code.then((outcome) => {
          finished++;
          // Without a word a connection may die twice, or under a POST.
          const allowed = [`answered /${own}`, 'AbortError', 'MILLRACE_CONNECTION_CLOSED', 'MILLRACE_CONNECTION_RESET'];
          if (!allowed.includes(outcome)) wrong.push(`${own}: ${outcome}`);
        }),
      );
    };
    const step = (last: boolean): void => {
      // The first of a connection is answered, as a server does that answers one after the other.
      const firsts = open.filter((one, place) => open.findIndex(({ on }) => on === one.on) === place);
      const one = firsts[random(Math.max(1, firsts.length))];
      switch (last ? 3 : random(9)) {
        case 0:
        case 1:
        case 2:
          return begin();
        case 6:
          return controllers[random(Math.max(1, controllers.length))]?.abort();
        case 7:
          one?.answer('Connection: close\r\n');
          return void one?.socket.end();
        case 8:
          if (random(3) === 0 && one !== undefined) reset(one.socket);
          return;
        default:
          return one?.answer();
      }
    };
    for (let count = 0; count < 400; count++) {
      step(false);
      if (random(3) === 0) await new Promise((resolve) => setImmediate(resolve));
      const { connected, pending, running } = client.stats();
      expect(connected + pending).toBeLessThanOrEqual(cap);
      expect(running).toBeLessThanOrEqual(connected);
    }
    while (finished < number) {
      step(true);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(outcomes);
    expect({ seed, wrong }).toEqual({ seed, wrong: [] });
    expect(most).toBeLessThanOrEqual(depth);
    expect(client.stats()).toMatchObject({ queued: 0, running: 0, pending: 0 });
  },
);
