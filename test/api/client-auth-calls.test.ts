// Authentication and cookies through a client, against servers that check what comes.
import { createHash } from 'node:crypto';

import { CookieJar } from 'tough-cookie';

import type { Server, ServeOptions } from '../../ts/index.js';
import { Client } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { onRequests, scriptedServer } from '../support/scripted-server.js';
import { endsWithItsTest, start } from '../support/test-server.js';

endsWithItsTest();

const USER = { username: 'Mufasa', password: 'Circle of Life' };
const hash = (...parts: string[]): string => createHash('sha256').update(parts.join(':')).digest('hex');
const paramsOf = (value: string): Record<string, string> =>
  Object.fromEntries([...value.matchAll(/(\w+)="?([^",]*)"?/g)].map(([, name, text]) => [name, text]));

/** The Authorization of each request, and an answer to it. */
async function asking(answer: (sent: string | undefined, number: number) => [number, Record<string, string>]): Promise<{
  server: Server;
  seen: (string | undefined)[];
}> {
  const seen: (string | undefined)[] = [];
  const handler: ServeOptions['handler'] = (req, res) => {
    const sent = req.headers.get('authorization');
    seen.push(sent);
    const [status, headers] = answer(sent, seen.length - 1);
    res.writeHead(status, headers);
    res.end(String(status));
  };
  return { server: await start({ port: 0, handler }), seen };
}

test('a function gives the value with every request, and another after a refusal', async () => {
  const { server, seen } = await asking((sent) => [
    sent === 'Bearer second' ? 200 : 401,
    { 'WWW-Authenticate': 'Bearer realm=r' },
  ]);
  await using client = new Client({
    auth: (_, refusal) => Promise.resolve(refusal === undefined ? 'Bearer first' : 'Bearer second'),
  });
  expect((await client.get(server.url)).status).toBe(200);
  expect(seen).toEqual(['Bearer first', 'Bearer second']);
  expect(() => new Client({ auth: 'ann:secret' as never })).toThrow(
    expect.objectContaining({ code: 'MILLRACE_INVALID_ARGUMENT' }) as Error,
  );
});

describe('Basic', () => {
  const WANTED = `Basic ${Buffer.from('Mufasa:Circle of Life').toString('base64')}`;

  test('is sent unasked, with every request, and a 401 is the caller’s', async () => {
    const { server, seen } = await asking((_, number) => [
      number < 2 ? 200 : 401,
      { 'WWW-Authenticate': 'Basic realm=r' },
    ]);
    await using client = new Client({ auth: { type: 'basic', ...USER } });
    for (const status of [200, 200, 401]) {
      const response = await client.get(server.url);
      expect([response.status, await response.text()]).toEqual([status, String(status)]);
    }
    expect(seen).toEqual([WANTED, WANTED, WANTED]);
  });

  test('of `any` it answers a challenge, and goes unasked from then on; a field of the caller’s own goes before', async () => {
    const { server, seen } = await asking((sent) =>
      sent === undefined ? [401, { 'WWW-Authenticate': 'Basic realm=r' }] : [200, {}],
    );
    await using client = new Client({ auth: { type: 'any', ...USER } });
    for (let call = 0; call < 2; call++) expect(await (await client.get(server.url)).text()).toBe('200');
    await (await client.get(server.url, { headers: { authorization: 'own' } })).text();
    expect(seen).toEqual([undefined, WANTED, WANTED, 'own']);
  });
});

describe('Digest', () => {
  const challenge = (nonce: string, more = ''): Record<string, string> => ({
    'WWW-Authenticate': `Digest realm="r", nonce="${nonce}", qop="auth", algorithm=SHA-256${more}`,
  });
  /** What the proof must be, by RFC 7616 §3.4.1. */
  const isRight = (value: string, method: string): boolean => {
    const { nonce, nc, cnonce, qop, uri, response } = paramsOf(value);
    const wanted = hash(hash(USER.username, 'r', USER.password), nonce, nc, cnonce, qop, hash(method, uri));
    return response === wanted;
  };

  test('answers a challenge once, and then sends the nonce again with a count that grows', async () => {
    const { server, seen } = await asking((sent) =>
      sent !== undefined && isRight(sent, 'GET') ? [200, {}] : [401, challenge('n1')],
    );
    await using client = new Client({ auth: { type: 'digest', ...USER } });
    for (const path of ['a?b=c', 'd', 'e']) {
      expect(await (await client.get(new URL(path, server.url))).text()).toBe('200');
    }
    expect(seen).toHaveLength(4);
    const sent = seen.slice(1).map((value) => paramsOf(value ?? ''));
    expect(sent.map(({ nc }) => nc)).toEqual(['00000001', '00000002', '00000003']);
    expect(sent.map(({ uri }) => uri)).toEqual(['/a?b=c', '/d', '/e']);
  });

  test('a body is sent again with the answer', async () => {
    const bodies: string[] = [];
    const server = await start({
      port: 0,
      handler: async (req, res) => {
        bodies.push(await req.text());
        const sent = req.headers.get('authorization');
        if (sent !== undefined && isRight(sent, 'POST')) return void res.end('in');
        res.writeHead(401, challenge('n1'));
        return void res.end();
      },
    });
    await using client = new Client({ auth: { type: 'digest', ...USER } });
    expect(await (await client.post(server.url, { body: 'form' })).text()).toBe('in');
    expect(bodies).toEqual(['form', 'form']);
  });

  test('a nonce that was only stale is renewed; a request is made again twice at most', async () => {
    const { server, seen } = await asking((_, number) => [401, challenge(`n${number}`, ', stale=true')]);
    await using client = new Client({ auth: { type: 'digest', ...USER } });
    const response = await client.get(server.url);
    expect([response.status, await response.text()]).toEqual([401, '401']);
    expect(seen.map((value) => value && paramsOf(value).nonce)).toEqual([undefined, 'n0', 'n1']);
  });

  test('a password that was refused is not sent again', async () => {
    const { server, seen } = await asking((_, number) => [401, challenge(`n${number}`)]);
    await using client = new Client({ auth: { type: 'digest', ...USER } });
    expect(await (await client.get(server.url)).text()).toBe('401');
    expect(seen.length).toBeLessThanOrEqual(3);
    expect(seen.length).toBeGreaterThanOrEqual(2);
  });

  test.each(['whole', 'unfinished'])(
    'a server that proves falsely who it is fails the call, and its %s answer holds no connection',
    async (kind) => {
      const proof = `Authentication-Info: rspauth="00", qop=auth\r\n`;
      const server = await scriptedServer((socket) => {
        onRequests(socket, (head) => {
          if (!/authorization/i.test(head)) {
            const field = `WWW-Authenticate: ${challenge('n1')['WWW-Authenticate']}`;
            return void socket.write(`HTTP/1.1 401 Who\r\n${field}\r\nContent-Length: 0\r\n\r\n`);
          }
          const length = kind === 'whole' ? 2 : 1_000_000;
          return void socket.write(`HTTP/1.1 200 OK\r\n${proof}Content-Length: ${length}\r\n\r\nok`);
        });
      });
      const client = new Client({ auth: { type: 'digest', ...USER } });
      await expect(client.get(server.url)).rejects.toMatchObject({ code: 'MILLRACE_AUTHENTICATION_UNPROVEN' });
      expect(client.stats().running).toBe(0);
      expect(client.stats().connected).toBe(kind === 'whole' ? 1 : 0);
      await until(() => server.open() === (kind === 'whole' ? 1 : 0), 'the connection is closed');
      client.destroy();
      await server.end();
    },
  );

  test('NTLM alone fails by its name, and its unfinished answer holds no connection', async () => {
    const server = await scriptedServer((socket) => {
      onRequests(socket, () => {
        socket.write('HTTP/1.1 401 Who\r\nWWW-Authenticate: NTLM\r\nContent-Length: 1000000\r\n\r\nx');
      });
    });
    const client = new Client({ auth: { type: 'any', ...USER } });
    await expect(client.get(server.url)).rejects.toMatchObject({ code: 'MILLRACE_AUTHENTICATION_UNSUPPORTED' });
    await until(() => server.open() === 0, 'the connection is closed');
    expect(client.stats()).toMatchObject({ running: 0, connected: 0 });
    client.destroy();
    await server.end();
  });
});

test('credentials do not follow a redirect to another origin', async () => {
  const { server: other, seen } = await asking(() => [200, {}]);
  const server = await start({
    port: 0,
    handler: (_req, res) => {
      res.writeHead(302, { Location: other.url.toString() });
      res.end();
    },
  });
  await using client = new Client({ auth: { type: 'basic', ...USER } });
  expect(await (await client.get(server.url, { maxRedirects: 1 })).text()).toBe('200');
  expect(seen).toEqual([undefined]);
});

describe('a jar of tough-cookie', () => {
  test('takes what servers set, over redirects too, and gives it to those that it is for', async () => {
    const seen: (string | undefined)[] = [];
    const server = await start({
      port: 0,
      handler: (req, res) => {
        seen.push(req.headers.get('cookie'));
        if (req.path === '/login') {
          res.writeHead(302, [
            ['Set-Cookie', 'a=1; Path=/'],
            ['Set-Cookie', 'b=2; Path=/in; HttpOnly'],
            ['Set-Cookie', 'c=3; Domain=other.test'],
            ['Location', '/in'],
          ] as never);
        }
        res.end('ok');
      },
    });
    const jar = new CookieJar();
    await using client = new Client({ jar, maxRedirects: 3 });
    expect((await client.get(new URL('/login', server.url))).redirects).toBe(1);
    await (await client.get(new URL('/', server.url), { headers: { cookie: 'own=0' } })).text();
    expect(seen[0]).toBeUndefined();
    expect(seen[1]?.split('; ').sort()).toEqual(['a=1', 'b=2']);
    expect(seen[2]?.split('; ').sort()).toEqual(['a=1', 'own=0']);
    expect((await jar.getCookies(server.url.toString())).map(String)).toEqual(['a=1; Path=/']);
  });

  test('that refuses to take a cookie fails no request', async () => {
    const server = await start({
      port: 0,
      handler: (_req, res) => {
        res.writeHead(200, { 'Set-Cookie': 'a=1' });
        res.end('ok');
      },
    });
    const jar = {
      getCookieString: () => Promise.resolve(''),
      setCookie: () => Promise.reject(new Error('the disk is full')),
    };
    await using client = new Client({ jar: jar });
    expect(await (await client.get(server.url)).text()).toBe('ok');
  });
});
