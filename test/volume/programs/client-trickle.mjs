// Servers that send a byte a second for minutes: no request is cut while its gaps are shorter than `timeouts.body`, each is
// on time by `timeouts.total`, and one whose server falls silent by `timeouts.body`.
//
// --clients: how many of the patient; a quarter as many of both other kinds. --seconds: how long a body takes; --every:
// the gap between bytes, in ms; --body and --total: the timeouts, in ms.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { Child, play, role } from './lib/child.mjs';
import { mib, resident } from './lib/facts.mjs';

/** How late a cut may come: 100 ms by the wheel, and the machine has other work. */
const LATE_MS = 1_000;
/** A timer may be a little before the clock. */
const EARLY_MS = 2;

async function playServer() {
  const open = new Set();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    socket.once('data', (bytes) => {
      const [, framing, every, count, sent] = /^GET \/(\w+)\/(\d+)\/(\d+)\/(\d+)/.exec(bytes.latin1Slice());
      const chunked = framing === 'chunked';
      const field = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${count}`;
      socket.write(`HTTP/1.1 200 OK\r\n${field}\r\n\r\n`);
      let left = Number(sent);
      const drip = setInterval(() => {
        socket.write(chunked ? '1\r\nx\r\n' : 'x');
        if (--left > 0) return;
        clearInterval(drip);
        if (chunked && sent === count) socket.write('0\r\n\r\n');
      }, Number(every));
      socket.on('close', () => clearInterval(drip));
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  play({ port: () => server.address().port, open: () => open.size });
}

/** What a request ended with, and after how long. */
async function ended(ask, read) {
  const began = performance.now();
  const outcome = await ask()
    .then(read)
    .catch((error) => error);
  return { outcome, took: performance.now() - began };
}

const asText = (response) => response.text();

async function iterated(response) {
  let text = '';
  for await (const chunk of response.body) text += Buffer.from(chunk).latin1Slice();
  return text;
}

function assertCut(runs, code, option, value, after) {
  for (const { outcome, took } of runs) {
    assert.equal(outcome.code, code, String(outcome.stack ?? outcome));
    assert.deepEqual([outcome.limit.option, outcome.limit.value], [option, value]);
    assert.ok(took >= after - EARLY_MS, `${code} after ${took} ms, before ${after}`);
    assert.ok(took <= after + LATE_MS, `${code} after ${took} ms, long after ${after}`);
  }
  return Math.max(...runs.map(({ took }) => took - after));
}

async function run({ clients, seconds, every, body, total }) {
  const { Client } = await import('../../../dist/index.mjs');
  const server = await Child.start(import.meta.url, 'server');
  const url = `http://127.0.0.1:${await server.call('port')}`;
  const client = new Client({ timeouts: { body }, pool: { maxConnectionsPerOrigin: 1_024 } });
  const count = Math.floor((seconds * 1_000) / every);
  const silentAfter = Math.floor(count / 4);
  const request = (number, sent, timeouts) => {
    const framing = number % 2 === 0 ? 'declared' : 'chunked';
    const ask = () => client.request(`${url}/${framing}/${every}/${count}/${sent}`, { timeouts });
    return ended(ask, number % 4 < 2 ? asText : iterated);
  };
  const many = (size, ...args) => Promise.all(Array.from({ length: size }, (_, number) => request(number, ...args)));
  const quarter = Math.ceil(clients / 4);
  const before = resident(process.pid);
  const [patient, bounded, silent] = await Promise.all([
    many(clients, count),
    many(quarter, count, { total }),
    many(quarter, silentAfter),
  ]);
  for (const { outcome } of patient) assert.equal(outcome, 'x'.repeat(count), outcome.stack);
  const late = assertCut(bounded, 'MILLRACE_TOTAL_TIMEOUT', 'timeouts.total', total, total);
  // Its bytes came late by what the server’s timers were.
  const quiet = silent.map(({ outcome, took }) => ({ outcome, took: Math.max(0, took - silentAfter * every) }));
  for (const { outcome, took } of quiet) {
    assert.equal(outcome.code, 'MILLRACE_RESPONSE_BODY_TIMEOUT', String(outcome.stack ?? outcome));
    assert.deepEqual([outcome.phase, outcome.limit.value], ['body', body]);
    assert.ok(took >= body - 10 * EARLY_MS, `after ${took} ms`);
  }
  const longest = Math.max(...patient.map(({ took }) => took));
  console.log(
    `${clients} servers of a byte each ${every} ms for ${(longest / 1_000).toFixed(1)} s, timeouts.body ${body} ms: none was cut; ` +
      `${quarter} by timeouts.total of ${total} ms, at most ${late.toFixed(0)} ms late; ${quarter} that fell silent by timeouts.body; ` +
      `memory ${mib(resident(process.pid) - before)} more`,
  );
  const { running, queued, connected, free } = client.stats();
  assert.deepEqual({ running, queued }, { running: 0, queued: 0 });
  assert.deepEqual([connected, free], [clients, clients]);
  await client.close();
  await server.end();
}

if (role() !== undefined) {
  await playServer();
} else {
  const { values } = parseArgs({
    options: {
      clients: { type: 'string', default: '200' },
      seconds: { type: 'string', default: '180' },
      every: { type: 'string', default: '1000' },
      body: { type: 'string', default: '30000' },
      total: { type: 'string', default: '60000' },
    },
  });
  await run(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)])));
}
