// Requests of one client of every kind, many at once: memory and descriptors stay flat, and nothing is left at the end.
//
// --requests: how many in all; --at-once: how many of them are under way.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { Child, play, role } from './lib/child.mjs';
import { descriptors } from './lib/facts.mjs';
import { Flatness } from './lib/flatness.mjs';

const SMALL = Buffer.alloc(100, 's');
const LARGE = Buffer.alloc(64 << 10, 'l');

async function playServer() {
  const server = createServer((request, response) => {
    let seen = 0;
    request.on('data', (bytes) => (seen += bytes.length));
    request.on('end', () => {
      if (request.url === '/cut') return request.socket.destroy();
      if (request.url === '/moved') return response.writeHead(302, { location: '/small' }).end();
      if (request.url === '/chunked') return (response.write(SMALL), response.end(SMALL));
      response.end(request.url === '/large' ? LARGE : seen > 0 ? String(seen) : SMALL);
    });
  });
  server.keepAliveTimeout = 0;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  play({ port: () => server.address().port });
}

const sink = () => new Writable({ write: (_chunk, _encoding, done) => done() });
const isAbort = ({ name }) => name === 'AbortError';

/** What is done by turns. `large` ones are rarer: they are most of the bytes. */
const KINDS = {
  text: async (client, url) => assert.equal((await (await client.request(`${url}/small`)).text()).length, 100),
  fields: async (client, url) => {
    const headers = { accept: 'text/plain', 'x-number': String(Math.random()) };
    await (await client.get(`${url}/small?a=b`, { headers })).bytes();
  },
  posted: async (client, url) => {
    const response = await client.post(`${url}/small`, { body: SMALL });
    assert.equal(await response.text(), '100');
  },
  uploaded: async (client, url) => {
    const body = (async function* () {
      yield SMALL;
      yield SMALL;
    })();
    assert.equal(await (await client.put(`${url}/small`, { body })).text(), '200');
  },
  chunked: async (client, url) => assert.equal((await (await client.request(`${url}/chunked`)).bytes()).length, 200),
  iterated: async (client, url) => {
    let seen = 0;
    for await (const chunk of (await client.request(`${url}/chunked`)).body) seen += chunk.length;
    assert.equal(seen, 200);
  },
  fetched: async (client, url) => assert.equal((await (await client.fetch(`${url}/small`)).text()).length, 100),
  streamed: (client, url) => client.stream(`${url}/small`, {}, sink),
  redirected: async (client, url) => (await client.request(`${url}/moved`)).text(),
  large: async (client, url, turn) => {
    if (turn % 10 === 0) assert.equal((await (await client.request(`${url}/large`)).bytes()).length, LARGE.length);
    else await KINDS.text(client, url);
  },
  dumped: async (client, url, turn) => {
    if (turn % 10 === 0) await (await client.request(`${url}/large`)).dump(0);
    else await KINDS.text(client, url);
  },
  aborted: async (client, url, turn) => {
    const controller = new AbortController();
    const asked = client.request(`${url}/small`, { signal: controller.signal });
    if (turn % 10 !== 0) return (await asked).text();
    setImmediate(() => controller.abort());
    await asked.then((response) => response.text()).catch((error) => assert.ok(isAbort(error), error.stack));
  },
  cut: async (client, url, turn) => {
    if (turn % 10 !== 0) return KINDS.text(client, url);
    const failed = await client.post(`${url}/cut`).then(
      () => 'answered',
      ({ code }) => code,
    );
    assert.match(failed, /^MILLRACE_CONNECTION_(CLOSED|RESET)$/);
  },
};

async function run(requests, atOnce) {
  const { Client } = await import('../../../dist/index.mjs');
  const server = await Child.start(import.meta.url, 'server');
  const url = `http://127.0.0.1:${await server.call('port')}`;
  const before = descriptors(process.pid);
  const client = new Client();
  const flatness = new Flatness(requests);
  const kinds = Object.values(KINDS);
  let begun = 0;
  let done = 0;
  const worker = async () => {
    while (begun < requests) {
      const number = begun++;
      await kinds[number % kinds.length](client, url, Math.floor(number / kinds.length));
      flatness.done(++done);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const { created, reused, running, queued } = client.stats();
  console.log(
    `${requests} requests of ${kinds.length} kinds, ${atOnce} at once: ${flatness.told()}; ` +
      `${created} connections made, ${reused} used again`,
  );
  assert.deepEqual({ running, queued }, { running: 0, queued: 0 });
  flatness.judge();
  await client.close();
  const left = descriptors(process.pid) - before;
  assert.ok(left <= 0, `${left} descriptors are left`);
  await server.end();
}

if (role() !== undefined) {
  await playServer();
} else {
  const { values } = parseArgs({
    options: { requests: { type: 'string', default: '1000000' }, 'at-once': { type: 'string', default: '64' } },
  });
  await run(Number(values.requests), Number(values['at-once']));
}
