// What a connection costs its server process in each stage of its life, by many in the same stage. JavaScript's own
// objects are in it, and what the kernel has is not.
//
// --count: how many connections in each stage.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { Child, play, role } from './lib/child.mjs';
import { mostDescriptors, skip, until, used } from './lib/facts.mjs';
import { reset } from '../../support/reset.js';

const KIB = 1_024;
const WARM_UP = 2_000;
const HEAD = (method, path, fields = '') => `${method} ${path} HTTP/1.1\r\nHost: t\r\n${fields}\r\n`;
/** What is sent on each, how many exchanges are open then, and the most that each may cost. */
const STAGES = {
  'accepted, nothing sent yet': { send: '', most: KIB },
  'idle after a request': { send: HEAD('GET', '/quick'), answered: true, most: KIB },
  'half a head has come': { send: 'GET / HTTP/1.1\r\nHost: t\r\nCookie: a=', most: 4 * KIB },
  'a handler is at work': { send: HEAD('GET', '/wait'), open: true, most: 8 * KIB },
  'a stream of events': { send: HEAD('GET', '/events'), answered: true, open: true, most: 8 * KIB },
  'a body is being received': {
    send: `${HEAD('POST', '/body', 'Content-Length: 1000000\r\n')}x`,
    open: true,
    most: 12 * KIB,
  },
};

async function playServer() {
  const { serve } = await import('../../../dist/index.mjs');
  const server = await serve({
    port: 0,
    host: '127.0.0.1',
    headersTimeout: 600_000,
    bodyTimeout: 600_000,
    minReceiveRate: 0,
    handler: async (req, res) => {
      if (req.path === '/quick') return void res.end('ok');
      if (req.path === '/wait') return;
      if (req.path !== '/body' && req.path !== '/events') return void res.writeHead(404).end();
      if (req.path === '/events')
        return void res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data\n\n');
      // Its client leaves: the rest never comes.
      try {
        for await (const chunk of req) void chunk;
      } catch {
        res.destroy();
      }
    },
  });
  play({
    port: () => server.port,
    stats: () => server.stats(),
    used,
    close: () => server.close({ timeout: 1_000 }),
  });
}

function playClients({ port }) {
  let sockets = [];
  play({
    open: async (count, text, answered) => {
      for (let done = 0; done < count; done += 100) {
        const group = Array.from({ length: Math.min(100, count - done) }, async () => {
          const socket = connect(port, '127.0.0.1').on('error', () => {});
          sockets.push(socket);
          await once(socket, 'connect');
          if (text !== '') socket.write(text);
          if (answered) await once(socket, 'data');
        });
        await Promise.all(group);
      }
    },
    close: () => {
      for (const socket of sockets) reset(socket);
      sockets = [];
    },
  });
}

/** The bytes of one connection in a stage, by a server process of its own: memory that was freed is not given back. */
async function measure({ send, answered = false, open = false }, count) {
  const server = await Child.start(import.meta.url, 'server', {}, { execArgv: ['--expose-gc'] });
  const clients = await Child.start(import.meta.url, 'clients', { port: await server.call('port') });
  const state = async () => {
    const { connections, requests } = await server.call('stats');
    return [connections.active, requests.active];
  };
  const reach = async (connections, requests) => {
    const there = async () => String(await state()) === String([connections, requests]);
    await until(there, async () => `${await state()}, wanted are ${connections} connections, ${requests} requests`);
  };
  const enter = async (more, connections) => {
    await clients.call('open', more, send, answered);
    await reach(connections, open ? connections : 0);
    return server.call('used');
  };
  // What is compiled and allocated once is not a connection's: the first ones pay for it, and stay.
  const before = await enter(WARM_UP, WARM_UP);
  const bytes = ((await enter(count, WARM_UP + count)) - before) / count;
  await clients.call('close');
  await reach(0, 0);
  await server.call('close');
  await server.end();
  await clients.end();
  return bytes;
}

async function run(count) {
  const costs = {};
  for (const [name, stage] of Object.entries(STAGES)) costs[name] = await measure(stage, count);
  console.log(`| stage of a connection (${count} at once) | memory of the process |\n| --- | ---: |`);
  for (const [name, bytes] of Object.entries(costs)) console.log(`| ${name} | ${bytes.toFixed(0)} B |`);
  for (const [name, { most }] of Object.entries(STAGES)) assert.ok(costs[name] <= most, `${name}: ${costs[name]} B`);
}

const playing = role();
if (playing?.name === 'server') {
  await playServer();
} else if (playing?.name === 'clients') {
  playClients(playing.settings);
} else {
  const { values } = parseArgs({ options: { count: { type: 'string', default: '10000' } } });
  const count = Number(values.count);
  if (mostDescriptors() < count + WARM_UP + 100) skip(`a process may open ${mostDescriptors()} descriptors here`);
  await run(count);
}
