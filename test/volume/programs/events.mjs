// Server-sent events: each arrives before the next is made, silence between them is not taken for a stall, a client that
// goes is noticed, and a thousand clients get the same.
//
// --seconds: how long one client listens, an event each quarter of a second; --silence: then a pause of so many seconds;
// --clients: how many listen at once. Over five seconds of silence the timeouts are those of every day, below it they are
// half of it, so that each would strike if it counted.
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { Child, play, role } from './lib/child.mjs';
import { mostDescriptors, mib, resident, skip, until } from './lib/facts.mjs';
import { RawConnection } from './lib/raw.mjs';

const INTERVAL = 250;
/** Events that all clients get. */
const ROUNDS = 5;
/** A connection that is accepted one by one; the kernel's queue holds more. */
const AT_ONCE = 100;

async function playServer({ timeouts }) {
  const { serve, metrics } = await import('../../../dist/index.mjs');
  const streams = new Map();
  const left = [];
  let last = 0;
  const server = await serve({
    port: 0,
    host: '127.0.0.1',
    ...timeouts,
    handler: (req, res) => {
      const name = req.query;
      streams.set(name, res);
      res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
      res.flushHeaders();
      req.signal.addEventListener('abort', () => {
        left.push(name);
        streams.delete(name);
        // A client that shut its side alone may still read: it is the handler that has to end.
        res.end();
      });
    },
  });
  play({
    port: () => server.port,
    /** Sends an event to all; says its number. */
    tell: () => {
      last++;
      for (const res of streams.values()) assert.equal(res.write(`id: ${last}\ndata: event ${last}\n\n`), true);
      return last;
    },
    streams: () => streams.size,
    left: () => left,
    facts: () => ({
      ...server.stats(),
      aborted: metrics.snapshot().counters.millrace_http_server_aborted_total,
    }),
    end: () => {
      for (const res of streams.values()) res.end();
    },
    close: () => server.close({ timeout: 5_000 }),
  });
}

/** One client: the events that came, as text, and when the last did. */
class Listener {
  #connection;
  #text = '';
  #ended = false;
  seen = 0;

  static async open(port, name) {
    const listener = new Listener();
    listener.#connection = await RawConnection.open(port);
    await listener.#connection.write(`GET /?${name} HTTP/1.1\r\nHost: t\r\nAccept: text/event-stream\r\n\r\n`);
    const head = await listener.#connection.head();
    assert.equal(head.status, 200);
    assert.match(head.text, /\r\ncontent-type: text\/event-stream/i);
    void listener.#listen(head);
    return listener;
  }

  async #listen(head) {
    try {
      for await (const part of this.#connection.body(head)) {
        this.#text += part.toString();
        for (let end = this.#text.indexOf('\n\n'); end >= 0; end = this.#text.indexOf('\n\n')) {
          this.seen++;
          assert.equal(this.#text.slice(0, end), `id: ${this.seen}\ndata: event ${this.seen}`);
          this.#text = this.#text.slice(end + 2);
        }
      }
      this.#ended = true;
    } catch (error) {
      this.failure = error;
    }
  }

  get ended() {
    return this.#ended && this.#text === '';
  }

  leave() {
    this.#connection.destroy();
  }

  reset() {
    this.#connection.reset();
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function percentile(numbers, share) {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(1);
}

/** One client for long: an event is made when the one before has come, so one that waits for more would never come. */
async function long({ seconds, silence }) {
  const short = Math.floor(silence * 500);
  const timeouts =
    silence > 5
      ? {}
      : {
          headersTimeout: short,
          bodyTimeout: short,
          requestTimeout: short,
          writeTimeout: short,
          keepAliveTimeout: short,
        };
  const server = await Child.start(import.meta.url, 'server', { timeouts });
  const listener = await Listener.open(await server.call('port'), 'one');
  const latencies = [];
  const event = async () => {
    const began = performance.now();
    const number = await server.call('tell');
    await until(
      () => listener.seen === number || listener.failure !== undefined,
      () => `event ${number} did not come`,
    );
    assert.equal(listener.failure, undefined);
    latencies.push(performance.now() - began);
  };
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end) {
    await event();
    await pause(INTERVAL);
  }
  await pause(silence * 1_000);
  await event();
  const { timeouts: cut } = await server.call('facts');
  assert.equal(
    Object.values(cut).reduce((sum, count) => sum + count, 0),
    0,
    JSON.stringify(cut),
  );
  await server.call('end');
  await until(
    () => listener.ended,
    () => 'the stream did not end',
  );
  console.log(
    `${latencies.length} events in ${seconds} s and after ${silence} s of silence; from the order to write one until its ` +
      `client had it, median ${percentile(latencies, 0.5)} ms, worst ${percentile(latencies, 1)} ms`,
  );
  await server.call('close');
  await server.end();
}

/** Many clients: each gets all; those that leave are noticed, and the others are not disturbed. */
async function many(count) {
  const server = await Child.start(import.meta.url, 'server', { timeouts: {} });
  const port = await server.call('port');
  const before = resident(server.pid);
  const listeners = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const group = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, place) => String(from + place));
    listeners.push(...(await Promise.all(group.map((name) => Listener.open(port, name)))));
  }
  assert.equal(await server.call('streams'), count);
  const memory = resident(server.pid) - before;
  const latencies = [];
  const round = async (those) => {
    const began = performance.now();
    const number = await server.call('tell');
    await until(
      () => those.every(({ seen }) => seen === number),
      () => `event ${number} came to ${those.filter(({ seen }) => seen === number).length} of ${those.length}`,
    );
    latencies.push(performance.now() - began);
  };
  for (let done = 0; done < ROUNDS; done++) await round(listeners);

  // Every second one goes, half of those with a reset.
  const gone = listeners.filter((_, place) => place % 2 === 1);
  const stay = listeners.filter((_, place) => place % 2 === 0);
  gone.forEach((listener, place) => (place % 2 === 0 ? listener.leave() : listener.reset()));
  await until(
    async () => (await server.call('streams')) === stay.length,
    async () => `${await server.call('streams')} streams are left`,
  );
  const left = await server.call('left');
  assert.deepEqual(new Set(left.map((name) => Number(name) % 2)), new Set([1]));
  assert.equal(left.length, gone.length);
  await round(stay);
  const { connections, requests, aborted } = await server.call('facts');
  const resets = gone.length - Math.ceil(gone.length / 2);
  assert.deepEqual(
    [connections.active, requests.active, requests.aborted, aborted],
    [stay.length, stay.length, resets, resets],
  );
  await server.call('end');
  await until(
    () => stay.every(({ ended }) => ended),
    () => `${stay.filter(({ ended }) => !ended).length} streams did not end`,
  );
  for (const listener of stay) listener.leave();
  await until(
    async () => (await server.call('facts')).connections.active === 0,
    async () => JSON.stringify(await server.call('facts')),
  );
  console.log(
    `${count} clients at once, ${mib(memory)} of the server for them; an event was with all of them within ` +
      `${percentile(latencies, 0.5)} ms (median of ${latencies.length}), worst ${percentile(latencies, 1)} ms`,
  );
  await server.call('close');
  await server.end();
}

if (role() !== undefined) {
  await playServer(role().settings);
} else {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '180' },
      silence: { type: 'string', default: '90' },
      clients: { type: 'string', default: '1000' },
    },
  });
  const clients = Number(values.clients);
  if (mostDescriptors() < clients + 100) skip(`a process may open ${mostDescriptors()} descriptors here`);
  await Promise.all([long({ seconds: Number(values.seconds), silence: Number(values.silence) }), many(clients)]);
}
