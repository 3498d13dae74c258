// HTTP clients that others wrote: axios, got and the transport of AWS's SDKs through our agents, undici by its own agents
// through our proxy. Argument: JSON, { proxy: port, secure: port of a proxy with TLS, plain: URL, tls: URL, ca, auth: [user,
// password] }. Its output is one line of JSON: what each of them got.
import { NodeHttpHandler } from '@smithy/node-http-handler';
import axios from 'axios';
import got from 'got';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fetch, ProxyAgent, request, Socks5ProxyAgent } from 'undici';
import { HttpAgent, HttpsAgent } from '../../../dist/compat/agent.mjs';

const { proxy, plain, tls, ca: file, auth } = JSON.parse(process.argv[2]);
const ca = readFileSync(file, 'utf8');
const [username, password] = auth;
const results = {};
const note = async (name, work) => {
  results[name] = await work().catch((error) => {
    // Each of them wraps what the connection failed with.
    const { code, phase } = error.cause ?? error;
    return { code, phase, name: error.name, message: error.message };
  });
};
const hop = (kind, secret = password) => ({ url: `${kind}://127.0.0.1:${proxy}`, username, password: secret });
const agents = (way) => ({
  http: new HttpAgent({ proxy: way, keepAlive: true }),
  https: new HttpsAgent({ proxy: way, ca, keepAlive: true }),
});
/** Sixty-four pieces, none of which is there before it is asked for. */
const upload = () =>
  Readable.from(
    (function* () {
      for (let at = 0; at < 64; at++) yield Buffer.alloc(65_536, at);
    })(),
  );
const SIZE = String(64 * 65_536);

for (const kind of ['socks5h', 'http']) {
  const way = agents(hop(kind));
  const wrong = agents(hop(kind, 'wrong'));
  // Its own handling of proxies is off: the agent has the proxy.
  const client = axios.create({ httpAgent: way.http, httpsAgent: way.https, proxy: false });
  await note(`axios, ${kind}, http`, async () => (await client.get(plain)).data);
  await note(`axios, ${kind}, https`, async () => (await client.get(tls)).data);
  await note(`axios, ${kind}, upload`, async () => String((await client.put(tls, upload(), { maxRedirects: 0 })).data));
  await note(`axios, ${kind}, wrong password`, () => axios.get(tls, { httpsAgent: wrong.https, proxy: false }));
  await note(`axios, ${kind}, abort`, () => client.get(`${plain}never`, { signal: AbortSignal.timeout(50) }));

  const mine = got.extend({ agent: way, retry: { limit: 0 }, https: { certificateAuthority: ca } });
  await note(`got, ${kind}, http`, () => mine(plain).text());
  await note(`got, ${kind}, https`, () => mine(tls).text());
  await note(`got, ${kind}, upload`, () => mine.put(tls, { body: upload() }).text());
  await note(`got, ${kind}, wrong password`, () => mine(tls, { agent: wrong }).text());
  await note(`got, ${kind}, timeout`, () => mine(`${plain}never`, { timeout: { request: 50 } }).text());

  // As the SDKs take it: requestHandler: new NodeHttpHandler({ httpAgent, httpsAgent }).
  const handler = new NodeHttpHandler({ httpAgent: way.http, httpsAgent: way.https });
  const put = async (url, body) => {
    const { protocol, hostname, port, pathname } = new URL(url);
    const headers = { 'content-length': SIZE };
    const sent = { protocol, hostname, port: Number(port), path: pathname, method: 'PUT', headers, body, query: {} };
    return text((await handler.handle(sent)).response.body);
  };
  await note(`@smithy, ${kind}, http`, () => put(plain, upload()));
  await note(`@smithy, ${kind}, https`, () => put(tls, upload()));
  handler.destroy();
  for (const agent of [...Object.values(way), ...Object.values(wrong)]) agent.destroy();
}

const token = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
const tunnel = new ProxyAgent({ uri: `http://127.0.0.1:${proxy}`, token, requestTls: { ca } });
await note('undici, ProxyAgent', async () => (await request(tls, { dispatcher: tunnel })).body.text());
await note('undici, fetch', async () => (await fetch(tls, { dispatcher: tunnel })).text());
await tunnel.close();
if (Socks5ProxyAgent !== undefined) {
  const socks = new Socks5ProxyAgent(`socks5://127.0.0.1:${proxy}`, { username, password });
  await note('undici, Socks5ProxyAgent', async () => (await request(plain, { dispatcher: socks })).body.text());
  await socks.close();
}
process.stdout.write(`${JSON.stringify(results)}\n`);
