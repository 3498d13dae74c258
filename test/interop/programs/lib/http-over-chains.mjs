// HTTP clients of ours, each over the same chain of proxies.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { request as undiciRequest } from 'undici';
import { Client } from '../../../../dist/index.mjs';
import { Dispatcher } from '../../../../dist/compat/undici.mjs';

const BODY = Buffer.alloc(256 * 1024, 'there and back ');

/** Servers, on all addresses, that send back what they get; the second has TLS where there is an identity for it. */
export async function startHttpTarget(identity) {
  const handler = (req, res) => req.pipe(res);
  const servers = [createServer(handler)];
  if (identity) {
    const [cert, key] = [identity.cert, identity.key].map((name) => readFileSync(name));
    servers.push(createSecureServer({ cert, key }, handler));
  }
  await Promise.all(servers.map((server) => once(server.listen(0, '::'), 'listening')));
  const [plain, secure] = servers.map((server) => server.address().port);
  return {
    plain: `http://localhost:${plain}/`,
    secure: identity ? `https://localhost:${secure}/` : null,
    ca: identity ? readFileSync(identity.cert, 'utf8') : null,
  };
}

/** What came back, or how it failed, for each client. */
export async function* underClients({ plain, secure, ca, closed, proxy, wrong }) {
  const client = new Client({ proxy, ...(ca === null ? null : { tls: { ca } }) });
  const dispatcher = new Dispatcher(client);
  const post = { method: 'POST', body: BODY };
  const bytes = (body) => (Buffer.from(body).equals(BODY) ? 'there and back' : `${body.byteLength} other bytes`);
  const under = {
    request: async (url, more) => bytes(await (await client.request(url, { ...post, ...more })).bytes()),
    fetch: async (url, more) => bytes(await (await client.fetch(url, { ...post, ...more })).arrayBuffer()),
    'millrace/undici': async (url, { proxy: other } = {}) => {
      const own = other === undefined ? dispatcher : new Dispatcher({ proxy: other });
      try {
        return bytes(await (await undiciRequest(url, { ...post, dispatcher: own })).body.arrayBuffer());
      } finally {
        if (own !== dispatcher) await own.destroy();
      }
    },
  };
  // fetch says what failed as the cause of a TypeError.
  const outcome = (call) => call.catch((error) => (error.cause?.code === undefined ? error : error.cause));
  for (const [name, send] of Object.entries(under)) {
    yield [`${name}, http`, await outcome(send(plain))];
    if (secure !== null) yield [`${name}, https`, await outcome(send(secure))];
    yield [`${name}, refused`, await outcome(send(`http://127.0.0.1:${closed}/`))];
    if (name !== 'fetch') yield [`${name}, wrong password`, await outcome(send(plain, { proxy: wrong }))];
  }
  const { created, reused } = client.stats();
  yield ['reuse', reused > 0 && created > 0];
  client.destroy();
}
