import { createHash } from 'node:crypto';

import type { ProxyServerOptions, ServerRequest, ServerResponse } from '../../ts/index.js';
import { until } from '../support/condition.js';
import { RawClient } from '../support/raw-client.js';
import { proxiesEndWithTheirTest, startProxy } from '../support/test-proxy.js';
import { endsWithItsTest, start } from '../support/test-server.js';

proxiesEndWithTheirTest();
endsWithItsTest();

type Handler = (req: ServerRequest, res: ServerResponse) => unknown;

/** A target, a proxy, and a client of the proxy. */
async function through(handler: Handler, options: ProxyServerOptions = {}) {
  const target = await start({ handler });
  const proxy = await startProxy(options);
  return { origin: `127.0.0.1:${target.port}`, target, proxy, client: await RawClient.connect(proxy) };
}

const echoFields: Handler = (req, res) => void res.end(JSON.stringify(req.headers.raw));

/** The next answer; the first value of each field. */
async function answerOf(client: RawClient) {
  const { status, headers, body, trailers } = await client.response();
  const first = Object.entries(headers).map(([name, values]) => [name, values[0]]);
  return {
    status,
    headers: Object.fromEntries(first) as Record<string, string>,
    body: body.toString('latin1'),
    trailers,
  };
}

function fieldsOf(json: string): Record<string, string> {
  const raw = JSON.parse(json) as string[];
  return Object.fromEntries(
    raw.flatMap((name, place) => (place % 2 === 0 ? [[name.toLowerCase(), raw[place + 1]]] : [])),
  );
}

describe('a request in absolute form', () => {
  test('reaches its target in origin form, and the answer comes back', async () => {
    const { origin, proxy, client } = await through((req, res) => {
      res.setHeader('X-Answer', 'yes');
      res.end(`${req.method} ${req.url}`);
    });
    client.send(`GET http://${origin}/a/b?c=d HTTP/1.1\r\nHost: other\r\n\r\n`);
    const answer = await answerOf(client);
    expect([answer.status, answer.headers['x-answer'], answer.body]).toEqual([200, 'yes', 'GET /a/b?c=d']);
    expect(proxy.stats().forwarded).toBe(1);
  });

  test('has the Host of its target, whatever its field said (RFC 9112 §3.2.2)', async () => {
    const { origin, client } = await through(echoFields);
    client.send(`GET http://${origin}/ HTTP/1.1\r\nHost: elsewhere.test\r\n\r\n`);
    expect(fieldsOf((await answerOf(client)).body).host).toBe(origin);
  });

  test('passes on no field of the connection, nor one that Connection names', async () => {
    const { origin, client } = await through((req, res) => {
      res.setHeader('X-Own', 'of the target').setHeader('Proxy-Authenticate', 'Basic');
      echoFields(req, res);
    });
    const fields = [
      'Connection: X-Mine, Host, Authorization, close',
      'X-Mine: 1',
      'Authorization: kept',
      'Proxy-Authorization: Basic YTpi',
      'Proxy-Connection: keep-alive',
      'TE: trailers',
      'X-Other: 2',
    ];
    client.send(`GET http://${origin}/ HTTP/1.1\r\nHost: ${origin}\r\n${fields.join('\r\n')}\r\n\r\n`);
    const answer = await answerOf(client);
    const seen = fieldsOf(answer.body);
    for (const name of ['x-mine', 'proxy-authorization', 'proxy-connection', 'te'])
      expect(seen).not.toHaveProperty(name);
    expect(seen).toMatchObject({ host: origin, authorization: 'kept', 'x-other': '2' });
    expect(answer.headers).toHaveProperty('x-own');
    expect(answer.headers).not.toHaveProperty('proxy-authenticate');
  });

  test('says in Via which way it went, and one that came round is refused', async () => {
    const { origin, client } = await through(echoFields);
    client.send(`GET http://${origin}/ HTTP/1.1\r\nHost: a\r\nVia: 1.0 before\r\n\r\n`);
    const first = await answerOf(client);
    const raw = JSON.parse(first.body) as string[];
    const via = raw.filter((_, place) => place % 2 === 1 && raw[place - 1]?.toLowerCase() === 'via').join(', ');
    const name = /^1\.0 before, 1\.1 (millrace-[0-9a-f]{12})$/.exec(via)?.[1];
    expect(name).toBeDefined();
    expect(first.headers.via).toBe(`1.1 ${name}`);
    client.send(`GET http://${origin}/ HTTP/1.1\r\nHost: a\r\nVia: 1.1 ${name}\r\n\r\n`);
    expect((await answerOf(client)).status).toBe(508);
  });

  test('with Max-Forwards is answered by the proxy at 0, and counted down above (RFC 9110 §7.6.2)', async () => {
    const { origin, client } = await through(echoFields);
    client.send(`OPTIONS http://${origin}/ HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n`);
    expect(await answerOf(client)).toMatchObject({ status: 200, body: '' });
    client.send(`OPTIONS http://${origin}/ HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\n\r\n`);
    expect(fieldsOf((await answerOf(client)).body)['max-forwards']).toBe('2');
  });

  test('carries a body with its length, or in chunks with trailers of the answer', async () => {
    const { origin, client } = await through(async (req, res) => {
      const body = await req.text();
      res.writeHead(200, { Trailer: 'X-End' });
      res.write(`${req.headers.get('content-length') ?? req.headers.get('transfer-encoding')} ${body}`);
      res.addTrailers({ 'X-End': 'here' });
      res.end();
    });
    client.send(`POST http://${origin}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`);
    expect((await answerOf(client)).body).toBe('5 hello');
    client.send(
      `POST http://${origin}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    );
    const answer = await answerOf(client);
    expect(answer.body).toBe('chunked hello');
    expect(answer.trailers).toMatch(/^x-end: here\r\n/i);
  });

  test('streams 32 MiB each way, byte for byte', async () => {
    const sum = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
    const body = Buffer.alloc(32 << 20, 'every byte of it ');
    const { origin, client } = await through(async (req, res) => {
      const hash = createHash('sha256');
      for await (const chunk of req) hash.update(chunk);
      res.setHeader('X-Sum', hash.digest('hex'));
      await res.send(body);
    });
    client.send(`PUT http://${origin}/ HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`).send(body);
    const answer = await answerOf(client);
    expect(answer.headers['x-sum']).toBe(sum(body));
    expect(sum(Buffer.from(answer.body, 'latin1'))).toBe(sum(body));
  });

  test('whose answer is cut does not look whole', async () => {
    const { origin, client } = await through((_, res) => {
      res.writeHead(200, { 'Content-Length': '10' });
      res.write('half');
      setImmediate(() => res.destroy());
    });
    client.send(`GET http://${origin}/ HTTP/1.1\r\nHost: a\r\n\r\n`);
    await expect(answerOf(client)).rejects.toThrow();
  });

  test('of a client that leaves ends at the target too', async () => {
    let left = false;
    const { origin, client } = await through((req, res) => {
      res.write('begun');
      req.signal.addEventListener('abort', () => (left = true));
    });
    client.send(`GET http://${origin}/ HTTP/1.1\r\nHost: a\r\n\r\n`);
    await client.exactly(20);
    client.destroy();
    await until(() => left, 'the target has heard');
  });
});

describe('a request that is not forwarded', () => {
  test.each([
    ['in origin form', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['for a scheme that is not http', 'GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['for a port that refuses', 'GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: a\r\n\r\n', 502],
  ])('%s is refused', async (_, request, status) => {
    const { client } = await through(echoFields);
    client.send(request);
    expect((await answerOf(client)).status).toBe(status);
  });

  test('without the credentials that are wanted is answered 407, each time', async () => {
    const { origin, proxy, client } = await through(echoFields, { auth: { username: 'a', password: 'b' } });
    const ask = (fields: string): string => `GET http://${origin}/ HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
    client.send(ask(''));
    const refusal = await answerOf(client);
    expect([refusal.status, refusal.headers['proxy-authenticate']]).toEqual([407, expect.stringMatching(/^Basic /)]);
    client.send(ask('Proxy-Authorization: Basic YTpi\r\n'));
    expect((await answerOf(client)).status).toBe(200);
    client.send(ask('Proxy-Authorization: Basic YTpj\r\n'));
    expect((await answerOf(client)).status).toBe(407);
    expect(proxy.stats().unauthenticated).toBe(2);
  });

  test('to a prohibited address, or one that a rule forbids, is answered 403', async () => {
    const { origin, client } = await through(echoFields, { allowPrivate: false });
    client.send(`GET http://${origin}/ HTTP/1.1\r\nHost: a\r\n\r\n`);
    const answer = await answerOf(client);
    expect([answer.status, answer.headers['proxy-status']]).toEqual([403, 'millrace; error=destination_ip_prohibited']);
    const ruled = await through(echoFields, { rules: [{ action: 'allow', ports: [1] }] });
    ruled.client.send(`GET http://${ruled.origin}/ HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect((await answerOf(ruled.client)).status).toBe(403);
  });
});

test('requests go through an upstream, which is a proxy of its own', async () => {
  const upstream = await startProxy();
  const { origin, client } = await through(echoFields, { upstream: `socks5h://127.0.0.1:${upstream.port}` });
  client.send(`GET http://${origin}/ HTTP/1.1\r\nHost: a\r\n\r\n`);
  expect((await answerOf(client)).status).toBe(200);
  expect(upstream.stats().tunnels).toMatchObject({ failed: 0 });
});
