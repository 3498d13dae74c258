// Many tunnels at once through one relay, in three processes: what each costs the relay, that each carries its own bytes,
// and that nothing is left when they have ended.
//
// --count tunnels; the relay has two descriptors for each, and so have the two that stand around it together.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { parseArgs } from 'node:util';
import { Child, play, role } from './lib/child.mjs';
import { MIB, descriptors, mostDescriptors, skip, until, used } from './lib/facts.mjs';

/** What the heap of JavaScript grows to under load must not be counted for tunnels. */
const WARM_UP = 500;
const AT_ONCE = 100;
/** What a tunnel costs the relay's process at most, in bytes: both sockets, their objects in JavaScript, the relay. */
const MOST_PER_TUNNEL = 3 * 1024;
/** Without an epoll of ours each socket has a handle of libuv's, and its entry. */
const MORE_PER_TUNNEL = process.env.MILLRACE_POLLER === 'uv' ? 1_024 : 0;
/** What the collector leaves now and then: a larger part of few tunnels. */
const NOISE = 4 * MIB;

async function playRelay({ behind }) {
  const { connect, listen, metrics } = await import('../../../dist/index.mjs');
  const listener = await listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, async (near) => {
    const far = await connect({ host: '127.0.0.1', port: behind });
    // Not awaited: the frame of this function would be counted too.
    near.pipeTo(far, { idleTimeout: null }).catch(() => undefined);
  });
  const gauge = (name) => metrics.toPrometheus().match(new RegExp(`^${name} (\\d+)$`, 'm'))?.[1];
  play({
    port: () => listener.port,
    facts: () => ({ used: used(), open: Number(gauge('millrace_relay_active')) }),
    close: () => listener.close({ timeout: 5_000 }),
  });
}

async function playEcho() {
  const server = net.createServer({ allowHalfOpen: true, backlog: 4_096 }, (socket) => {
    socket.on('error', () => {}).on('data', (chunk) => socket.write(chunk));
    socket.once('end', () => socket.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  play({ port: () => server.address().port });
}

async function open(port, count, into) {
  for (let left = count; left > 0; left -= AT_ONCE) {
    const sockets = Array.from({ length: Math.min(left, AT_ONCE) }, () =>
      net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }),
    );
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    into.push(...sockets);
  }
}

/** Each says its number, and is to hear it; how many did. */
async function ask(sockets) {
  let right = 0;
  for (let first = 0; first < sockets.length; first += AT_ONCE) {
    await Promise.all(
      sockets.slice(first, first + AT_ONCE).map(async (socket, place) => {
        const word = `tunnel ${first + place}\n`;
        socket.write(word);
        let text = '';
        while (!text.endsWith('\n')) text += String((await once(socket, 'data'))[0]);
        right += Number(text === word);
      }),
    );
  }
  return right;
}

async function main() {
  const { values } = parseArgs({ options: { count: { type: 'string', default: '5000' } } });
  const count = Number(values.count);
  const echo = await Child.start(import.meta.url, 'echo');
  const execArgv = ['--expose-gc'];
  const relay = await Child.start(import.meta.url, 'relay', { behind: await echo.call('port') }, { execArgv });
  const port = await relay.call('port');
  const sockets = [];
  await open(port, WARM_UP, sockets);
  assert.equal(await ask(sockets), WARM_UP);
  const before = await relay.call('facts');
  await open(port, count, sockets);
  await until(async () => (await relay.call('facts')).open === WARM_UP + count);
  assert.equal(await ask(sockets), WARM_UP + count);
  const after = await relay.call('facts');
  const each = (after.used - before.used) / count;
  assert.ok(each <= MOST_PER_TUNNEL + MORE_PER_TUNNEL + NOISE / count, `a tunnel costs ${Math.round(each)} bytes`);
  const held = descriptors(relay.pid);
  assert.ok(held >= 2 * (WARM_UP + count), `${held} descriptors`);
  for (const socket of sockets) socket.end();
  await Promise.all(sockets.map((socket) => socket.resume() && once(socket, 'close')));
  await until(async () => (await relay.call('facts')).open === 0);
  await until(() => descriptors(relay.pid) < 200);
  console.log(`${count} tunnels: ${Math.round(each)} bytes of memory each, JavaScript's included; nothing left behind`);
  await relay.call('close');
  relay.end();
  echo.end();
}

const played = role();
if (played === undefined) {
  const { values } = parseArgs({ options: { count: { type: 'string', default: '5000' } } });
  if (mostDescriptors() < 2 * (Number(values.count) + WARM_UP) + 200)
    skip('a process may not open so many descriptors');
  else await main();
} else if (played.name === 'echo') await playEcho();
else await playRelay(played.settings);
