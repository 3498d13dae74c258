// What connections are shared by, and what never shares one.
import type { LookupFunction } from 'node:net';

import type { Server } from '../../ts/index.js';
import { Client, ConnectionPool, serve, TlsContext } from '../../ts/index.js';
import { Authority } from '../support/pki.js';

let server: Server;

afterEach(() => server.close());

test('a name that cannot be resolved fails, and is asked for again when it can', async () => {
  server = await serve({ host: '127.0.0.1', port: 0, handler: (_req, res) => void res.end('ok') });
  let works = false;
  const resolver: LookupFunction = (_host, _options, callback) => {
    if (works) callback(null, [{ address: '127.0.0.1', family: 4 }]);
    else callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), []);
  };
  const client = new Client({ resolver });
  const url = `http://name.test:${server.port}/`;
  await expect(client.request(url)).rejects.toMatchObject({ phase: 'dns' });
  works = true;
  expect(await (await client.request(url)).text()).toBe('ok');
  await client.close();
});

test('two TLS identities never share a connection, even in one pool', async () => {
  const authority = await Authority.root();
  const identity = await authority.issue();
  server = await serve({
    host: '127.0.0.1',
    port: 0,
    tls: { cert: identity.cert, key: identity.key },
    handler: (_req, res) => void res.end('ok'),
  });
  const pool = new ConnectionPool();
  const contexts = await Promise.all([
    TlsContext.client({ ca: authority.cert, servername: 'localhost' }),
    TlsContext.client({ ca: authority.cert, servername: 'localhost' }),
  ]);
  for (const tls of contexts) {
    const client = new Client({ pool, tls });
    for (let round = 0; round < 2; round++) {
      expect(await (await client.request(`https://127.0.0.1:${server.port}/`)).text()).toBe('ok');
    }
  }
  expect(pool.stats()).toMatchObject({ created: 2, reused: 2 });
  const wrong = new Client({ pool });
  await expect(wrong.request(`https://127.0.0.1:${server.port}/`)).rejects.toMatchObject({
    code: expect.stringMatching(/^MILLRACE_TLS_/) as string,
  });
  await pool.drain();
});

test('isolation keys part connections', async () => {
  server = await serve({ host: '127.0.0.1', port: 0, handler: (_req, res) => void res.end('ok') });
  const client = new Client();
  for (const isolationKey of ['a', 'b', 'a', undefined]) {
    await (await client.request(server.url, { isolationKey })).text();
  }
  expect(client.stats()).toMatchObject({ created: 3, reused: 1 });
  await client.close();
});
