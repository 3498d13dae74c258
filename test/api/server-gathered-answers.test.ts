import type { ServerRequest, ServerResponse } from '../../ts/index.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, startWithClient } from '../support/test-server.js';

endsWithItsTest();

type Handler = (req: ServerRequest, res: ServerResponse) => unknown;

/** The bodies that these targets get in one wake. */
async function answersTo(targets: string[], handler: Handler, options: object = {}): Promise<string[]> {
  const { client } = await startWithClient({ handler, maxPipelined: 200, ...options });
  client.send(targets.map((target) => get(target)).join(''));
  const bodies: string[] = [];
  for (const _ of targets) bodies.push((await client.response()).body.toString());
  return bodies;
}

const upTo = (count: number): string[] => Array.from({ length: count }, (_, place) => `/${place}`);

describe('answers of one wake', () => {
  const TEXTS = [
    '',
    'a',
    'é',
    'ÿ',
    '€',
    '😀',
    'a😀b',
    '\u0000',
    'x'.repeat(255),
    'x'.repeat(256),
    'x'.repeat(257),
    '😀'.repeat(128),
  ];

  test.each([
    ['with a known field', true],
    ['without fields', false],
  ])('are each its own text in UTF-8, %s', async (_, typed) => {
    const texts = [...TEXTS, ...[...TEXTS].reverse(), ...TEXTS];
    const bodies = await answersTo(upTo(texts.length), (req, res) => {
      if (typed) res.setHeader('content-type', 'text/plain');
      res.end(texts[Number(req.url.slice(1))]);
    });
    expect(bodies).toEqual(texts);
  });

  test('do not join half characters that stand at their ends', async () => {
    const halves = ['a\ud83d', '\ude00b', '\ud83d', '\ude00', 'c'];
    const bodies = await answersTo(upTo(halves.length), (req, res) => res.end(halves[Number(req.url.slice(1))]));
    expect(bodies).toEqual(['a\ufffd', '\ufffdb', '\ufffd', '\ufffd', 'c']);
  });

  test('are as many as one likes', async () => {
    const targets = upTo(150);
    expect(await answersTo(targets, (req, res) => res.end(req.url))).toEqual(targets);
  });

  test('keep their order beside answers of other kinds', async () => {
    const targets = upTo(40);
    const bodies = await answersTo(targets, (req, res) => {
      const kind = Number(req.url.slice(1)) % 5;
      if (kind === 0) res.end(req.url);
      else if (kind === 1) res.end(Buffer.from(req.url));
      else if (kind === 2) void Promise.resolve().then(() => res.end(req.url));
      else if (kind === 3) setImmediate(() => res.end(req.url));
      else {
        res.write(req.url.slice(0, 1));
        res.end(req.url.slice(1));
      }
    });
    expect(bodies).toEqual(targets);
  });

  test('are counted by whoever asks in the same wake', async () => {
    const counts: number[] = [];
    const { server, client } = await startWithClient({
      handler: (_req, res) => {
        res.end('x');
        counts.push(server.stats().responses['2xx']);
      },
    });
    client.send(get('/') + get('/') + get('/'));
    for (let place = 0; place < 3; place++) await client.response();
    expect(counts).toEqual([1, 2, 3]);
  });

  test('that say how they are framed are refused where the body is another', async () => {
    const thrown: unknown[] = [];
    const bodies = await answersTo(['/', '/', '/'], (_req, res) => {
      res.setHeader('content-length', '3');
      try {
        res.end('four');
      } catch (error) {
        thrown.push((error as { code: string }).code);
        res.end('two'.slice(0, 3));
      }
    });
    expect(bodies).toEqual(['two', 'two', 'two']);
    expect(thrown).toEqual(Array.from({ length: 3 }, () => 'MILLRACE_HTTP_RESPONSE_BODY_MISMATCH'));
  });

  test.each([204, 304])('have no body with status %i', async (status) => {
    const { client } = await startWithClient({
      handler: (_req, res) => {
        res.statusCode = status;
        res.end();
      },
    });
    client.send(get('/') + get('/'));
    expect((await client.response()).status).toBe(status);
    expect((await client.response()).status).toBe(status);
  });

  test('leave though a handler throws, and one that has answered and throws is not answered twice', async () => {
    const { client } = await startWithClient({
      handler: (req, res) => {
        if (req.url === '/throws') throw new Error('on purpose');
        res.end(req.url);
        if (req.url === '/late') throw new Error('on purpose');
      },
    });
    client.send(get('/a') + get('/late') + get('/throws') + get('/b'));
    const answers = [];
    for (let place = 0; place < 4; place++) answers.push(await client.response());
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 500, 200]);
    expect(answers[3].body.toString()).toBe('/b');
  });

  test('of `fetch` are each its own', async () => {
    const targets = upTo(40);
    const bodies = await answersTo(targets, undefined as unknown as Handler, {
      handler: undefined,
      fetch: (request: Request) => new Response(new URL(request.url).pathname),
    });
    expect(bodies).toEqual(targets);
  });

  test('to a connection that a handler has cut are dropped, and the others leave', async () => {
    const { server, client } = await startWithClient({
      handler: (req, res) => {
        if (req.url === '/cut') res.destroy();
        res.end(req.url);
      },
    });
    const other = await RawClient.connect(server);
    client.send(get('/a') + get('/cut') + get('/b'));
    await expect(client.closed()).resolves.toBeUndefined();
    other.send(get('/other'));
    expect((await other.response()).body.toString()).toBe('/other');
    other.destroy();
  });
});
