// Thousands of requests at once to several servers: neither cap of connections is ever passed, as the servers count; all
// are answered; nothing is left.
//
// --requests: at once; --origins: over so many; --rounds: so many such storms, a restart of the servers between them.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { Child, play, role } from './lib/child.mjs';
import { descriptors, until } from './lib/facts.mjs';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
/** Answers take so long that connections are all in use, in ms. */
const SLOW_MS = 5;
const PER_ORIGIN = 128;
const IN_ALL = 1_024;

async function playServers({ origins }) {
  let inAll = 0;
  const most = { perOrigin: 0, inAll: 0 };
  let servers = [];
  /**
   * A connection that the client has closed may be told of after one that it opened then: a count that is over is looked at
   * again once all that has come is read.
   */
  const settled = (count, key, left) => {
    if (count() <= most[key]) return;
    if (left === 0) most[key] = count();
    else setImmediate(settled, count, key, left - 1);
  };
  const begin = async (ports) => {
    servers = ports.map(() => {
      const open = new Set();
      const server = createServer((socket) => {
        open.add(socket);
        inAll++;
        const gone = () => {
          if (open.delete(socket)) inAll--;
        };
        socket
          .on('error', () => {})
          .on('end', gone)
          .on('close', gone);
        settled(() => open.size, 'perOrigin', 3);
        settled(() => inAll, 'inAll', 3);
        socket.on('data', (bytes) => {
          // No request comes in two parts, and none before the answer to the last.
          assert.equal(bytes.latin1Slice().split('\r\n\r\n').length, 2);
          setTimeout(() => socket.write(ANSWER), SLOW_MS);
        });
      });
      return { server, open };
    });
    for (const [place, { server }] of servers.entries()) {
      await new Promise((resolve) => server.listen({ port: ports[place], host: '127.0.0.1', backlog: 4_096 }, resolve));
    }
    return servers.map(({ server }) => server.address().port);
  };
  const end = () =>
    Promise.all(
      servers.map(({ server, open }) => {
        for (const socket of open) socket.destroy();
        return new Promise((resolve) => server.close(resolve));
      }),
    );
  const ports = await begin(Array(origins).fill(0));
  play({
    ports: () => ports,
    facts: () => ({ ...most, open: inAll }),
    restart: async () => {
      await end();
      await begin(ports);
    },
  });
}

async function run({ requests, origins, rounds }) {
  const { Client } = await import('../../../dist/index.mjs');
  const server = await Child.start(import.meta.url, 'servers', { origins });
  const urls = (await server.call('ports')).map((port) => `http://127.0.0.1:${port}/`);
  const before = descriptors(process.pid);
  const client = new Client();
  for (let round = 0; round < rounds; round++) {
    if (round > 0) await server.call('restart');
    let worst = 0;
    const watch = setInterval(() => {
      const { connected, pending } = client.stats();
      worst = Math.max(worst, connected + pending);
    }, 1);
    const texts = await Promise.all(
      Array.from({ length: requests }, async (_, number) => (await client.request(urls[number % origins])).text()),
    );
    clearInterval(watch);
    assert.ok(texts.every((text) => text === 'ok'));
    assert.ok(worst <= IN_ALL, `${worst} connections by our count`);
  }
  const most = await server.call('facts');
  const { created, reused, retired, refused, queued, running } = client.stats();
  console.log(
    `${rounds} × ${requests} requests at once over ${origins} servers: all answered; at most ${most.perOrigin} connections to ` +
      `one server (cap ${PER_ORIGIN}) and ${most.inAll} in all (cap ${IN_ALL}), as the servers count; ` +
      `${created} made, ${reused} used again, retired ${JSON.stringify(retired)}`,
  );
  assert.ok(most.perOrigin <= PER_ORIGIN && most.inAll <= IN_ALL, JSON.stringify(most));
  // The storm was one: the cap that comes first was reached. Where that is the one over all, origins share it fairly.
  if (origins * PER_ORIGIN >= IN_ALL) assert.equal(most.inAll, IN_ALL);
  else assert.equal(most.perOrigin, PER_ORIGIN);
  assert.deepEqual({ refused, queued, running }, { refused: 0, queued: 0, running: 0 });
  await client.close();
  await until(
    async () => (await server.call('facts')).open === 0,
    async () => JSON.stringify(await server.call('facts')),
  );
  const left = descriptors(process.pid) - before;
  assert.ok(left <= 0, `${left} descriptors are left`);
  await server.end();
}

if (role() !== undefined) {
  await playServers(role().settings);
} else {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string', default: '5000' },
      origins: { type: 'string', default: '10' },
      rounds: { type: 'string', default: '20' },
    },
  });
  await run(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)])));
}
