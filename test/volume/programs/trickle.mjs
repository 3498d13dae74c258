// One byte a second, both ways, for a while: where the least rates are off nobody is cut, where they are on clients are,
// on time and counted, and a server that is slow itself cuts nobody.
//
// --seconds: how long; --write-timeout: of the strict server, in ms, which also bounds what credit a client can have.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { Child, play, role } from './lib/child.mjs';
import { until } from './lib/facts.mjs';

/** The credit that every body begins with (minReceiveRate, minSendRate). */
const GRACE_MS = 5_000;
/** How late a cut may come: timers are coarse, and the machine has other work. */
const LATE_MS = 3_000;
const LARGE = 64 << 20;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';

async function playServer(options) {
  const { serve, setLogger } = await import('../../../dist/index.mjs');
  setLogger(null);
  const reasons = {};
  const server = await serve({
    port: 0,
    host: '127.0.0.1',
    ...options,
    handler: async (req, res) => {
      req.signal.addEventListener('abort', () => (reasons[req.path] = req.signal.reason.code));
      switch (req.path) {
        case '/echo':
          for await (const chunk of req) res.write(chunk);
          return void res.end();
        case '/up':
          return void res.end(String((await req.bytes()).length));
        case '/down':
          // Whoever is cut makes this reject.
          return res.send(Buffer.alloc(LARGE, 'x')).catch(() => {});
        case '/slow': {
          res.flushHeaders();
          const drip = setInterval(() => res.write('x'), 1_000);
          res.on('close', () => clearInterval(drip));
        }
      }
    },
  });
  play({
    port: () => server.port,
    facts: () => ({ ...server.stats(), reasons }),
    destroy: () => server.destroy(),
  });
}

/** A client; `slow` takes a byte a second of what comes, others all of it. */
class Client {
  bytes = 0;
  text = '';
  #began = performance.now();

  constructor(port, head, { drip = '', slow = false } = {}) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => this.socket.write(`${head}\r\n`));
    const ended = () => {
      clearInterval(this.timer);
      this.cutAfter ??= performance.now() - this.#began;
    };
    this.socket.on('error', ended).on('end', ended).on('close', ended);
    if (slow) this.socket.pause();
    else this.socket.on('data', (bytes) => this.#take(bytes));
    this.timer = setInterval(() => {
      if (drip !== '') this.socket.write(drip);
      if (slow) this.#take(this.socket.read(1) ?? '');
    }, 1_000);
  }

  #take(bytes) {
    this.bytes += bytes.length;
    if (this.text.length < 10_000) this.text += bytes.toString('latin1');
  }

  end() {
    clearInterval(this.timer);
    this.socket.destroy();
  }
}

const head = (method, path, fields = '') => `${method} ${path} HTTP/1.1\r\nHost: t\r\n${fields}`;
const A_BYTE = '1\r\nx\r\n';

async function run(seconds, writeTimeout) {
  // Of the times only those count that no client here keeps: bodies and answers are endless.
  const patient = await Child.start(import.meta.url, 'server', {
    minReceiveRate: 0,
    minSendRate: 0,
    writeTimeout: 3_600_000,
    requestTimeout: 3_600_000,
  });
  const strict = await Child.start(import.meta.url, 'server', { writeTimeout });
  const clientsOf = (port) => ({
    echo: new Client(port, head('POST', '/echo', CHUNKED), { drip: A_BYTE }),
    up: new Client(port, head('POST', '/up', CHUNKED), { drip: A_BYTE }),
    down: new Client(port, head('GET', '/down'), { slow: true }),
    slow: new Client(port, head('GET', '/slow')),
  });
  const [free, judged] = [clientsOf(await patient.call('port')), clientsOf(await strict.call('port'))];
  // The end of what a slow reader has read is only seen once it has read it: the server says when it cut.
  const cut = { at: undefined };
  const look = setInterval(async () => {
    const { timeouts } = await strict.call('facts');
    if (timeouts.send + timeouts.sendRate > 0) cut.at ??= performance.now();
  }, 100);
  const began = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  clearInterval(look);

  const one = await patient.call('facts');
  assert.deepEqual(Object.values(one.timeouts), Array(Object.keys(one.timeouts).length).fill(0));
  assert.deepEqual(one.reasons, {});
  assert.equal(one.connections.active, 4);
  for (const [name, { cutAfter }] of Object.entries(free)) assert.equal(cutAfter, undefined, name);
  // As many bytes came back as went, less those under way and what a busy machine delayed.
  const echoes = free.echo.text.split(A_BYTE).length - 1;
  assert.ok(echoes >= seconds / 2 && echoes <= seconds + 1, `${echoes} bytes came back in ${seconds} s`);
  assert.ok(free.down.bytes >= seconds / 2, `${free.down.bytes} bytes were taken`);

  const other = await strict.call('facts');
  assert.deepEqual([other.timeouts.receiveRate, other.timeouts.send + other.timeouts.sendRate], [2, 1]);
  assert.match(judged.up.text, /^HTTP\/1\.1 408 /);
  assert.deepEqual([other.reasons['/up'], other.reasons['/echo']], Array(2).fill('MILLRACE_RECEIVE_RATE'));
  for (const { cutAfter } of [judged.up, judged.echo]) {
    assert.ok(cutAfter >= GRACE_MS - 50 && cutAfter < GRACE_MS + LATE_MS, `cut after ${cutAfter} ms`);
  }
  assert.match(other.reasons['/down'], /^MILLRACE_(WRITE_TIMEOUT|SEND_RATE)$/);
  const latest = Math.max(writeTimeout, GRACE_MS) + LATE_MS;
  assert.ok(cut.at - began < latest, `a reader of a byte a second was cut after ${cut.at - began} ms`);
  // Who takes all that a slow server has is not to blame.
  assert.equal(judged.slow.cutAfter, undefined);
  assert.equal(other.connections.active, 1);
  assert.ok(judged.slow.text.split(A_BYTE).length - 1 >= seconds / 2);

  console.log(
    `${seconds} s at one byte a second: with the rates off 4 clients of 4 were served all the time; with them on uploads ` +
      `were cut after ${(judged.up.cutAfter / 1000).toFixed(1)} s, a reader after ${((cut.at - began) / 1000).toFixed(1)} s`,
  );
  for (const client of [...Object.values(free), ...Object.values(judged)]) client.end();
  for (const server of [patient, strict]) {
    await until(
      async () => (await server.call('facts')).connections.active === 0,
      async () => JSON.stringify(await server.call('facts')),
    );
    await server.call('destroy');
    await server.end();
  }
}

if (role() !== undefined) {
  await playServer(role().settings);
} else {
  const { values } = parseArgs({
    options: { seconds: { type: 'string', default: '120' }, 'write-timeout': { type: 'string', default: '60000' } },
  });
  await run(Number(values.seconds), Number(values['write-timeout']));
}
