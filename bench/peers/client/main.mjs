// npm run bench -- peers client: HTTP clients against the same server, by CPU time of the client's process per request.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Dialogue } from '../../measure/dialogue.mjs';
import { cores } from '../../measure/machine.mjs';
import { watchOtherWork } from '../../measure/process-facts.mjs';
import { interleaved } from '../../measure/rounds.mjs';
import { figure, ratio } from '../../report/goals.mjs';
import { missing } from '../millrace.mjs';
import { startProgram } from '../program.mjs';
import { certificate } from '../tls/material.mjs';
import { CLIENTS } from './clients.mjs';

const requester = fileURLToPath(new URL('./requester.mjs', import.meta.url));
const LIMIT_MS = 120_000;
/** One round takes about as long for each client: from the cost of its warm-up. */
const WARM = 2_000;

/** Runs a case: bodies of `bytes`, so many requests in flight, `depth` of them on a connection, through TLS or not. */
function runClients(names, { bytes, inFlight, depth = 1, secure = false }, { rounds, seconds, tell }) {
  let server;
  return interleaved(names, {
    rounds,
    tell,
    fields: ['user', 'system', 'total', 'rate', 'busy'],
    headline: 'total',
    async open(name) {
      const args = secure ? ['cert.pem', 'key.pem'].map((file) => join(certificate(), file)) : [];
      // The load's core: what is measured here is the client.
      server ??= startProgram(import.meta.url, 'server', { args, scheme: secure ? 'https' : 'http' });
      const url = (await server).url(`/${bytes}`);
      const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' };
      const client = new Dialogue(
        cores.load,
        process.execPath,
        [requester, name, url, inFlight, bytes, depth].map(String),
        env,
      );
      await client.hear('ready', LIMIT_MS);
      const warm = bytes > 100_000 ? WARM / 10 : WARM;
      client.say(`run ${warm}`);
      await client.hear('ran', LIMIT_MS);
      client.say(`run ${warm}`);
      const took = Number((await client.hear('ran', LIMIT_MS)).split(' ')[2]);
      return { server: { client, count: Math.max(warm, Math.ceil((warm / took) * seconds * 1_000)) }, problems: [] };
    },
    async round({ client, count }) {
      const otherWork = watchOtherWork([client.pid], cores, [(await server).pid]);
      client.say(`run ${count}`);
      const [user, system, took] = (await client.hear('ran', LIMIT_MS)).split(' ').map(Number);
      const total = user + system;
      return {
        ...{ user, system, total, rate: count / (took / 1e3), busy: (total * count) / 1e3 / took },
        problems: [],
        otherWork: otherWork(),
      };
    },
    async close({ client }) {
      await client.stop();
    },
  }).finally(async () => (await server)?.stop());
}

const load = (name, title, what, given, servers) => ({
  ...{ name, title, what, kind: 'load', servers },
  run: (names, options) => runClients(names, given, options),
});

const CASES = [
  load('small', '100 bytes, 64 in flight', '`GET`, a body of 100 bytes, read whole; 64 connections.', {
    ...{ bytes: 100, inFlight: 64 },
  }),
  load('middle', '64 KiB, 64 in flight', 'The same with 64 KiB.', { bytes: 65_536, inFlight: 64 }),
  load('single', '100 bytes, 1 in flight', 'One connection, one request after the other.', { bytes: 100, inFlight: 1 }),
  load(
    'pipelined',
    '100 bytes, pipelined × 10',
    '40 in flight on 4 connections: `pipelining: 10` of both. undici holds a request back until the head of the answer ' +
      'before it is there, unless it is told `blocking: false`, as here.',
    { bytes: 100, inFlight: 40, depth: 10 },
    ['undici-request', 'undici-dispatch', 'ours-request', 'ours-dispatch'],
  ),
  load('large', '1 MiB, 16 in flight', 'The same with 1 MiB.', { bytes: 1 << 20, inFlight: 16 }),
  load('tls', '100 bytes over TLS, 64 in flight', 'TLS 1.3; the handshakes are in the warm-up.', {
    ...{ bytes: 100, inFlight: 64, secure: true },
  }),
];

const to = (test, ours, other) => (results) =>
  ratio(figure(results, test, ours, 'total'), figure(results, test, other, 'total'));

/** What peers/suite.mjs runs. */
export const client = {
  name: 'client',
  title: 'HTTP client',
  how: [
    'Each client is a process of its own on one core; `serve` answers all of them from the other. What is counted is the ' +
      "CPU time of the client's process, per request whose body was read whole and whose length was right.",
  ],
  minutes: 10,
  rounds: 5,
  seconds: 2,
  peers: ['undici', 'got'],
  reference: 'undici-request',
  goals: [
    ["100 bytes, `request` to undici's `request`", 0.45, to('small', 'ours-request', 'undici-request')],
    ["100 bytes, `request` to undici's `dispatch`", 1.0, to('small', 'ours-request', 'undici-dispatch')],
    ["100 bytes, `fetch` to Node's `fetch`", 0.12, to('small', 'ours-fetch', 'node-fetch')],
    ["64 KiB, `request` to undici's `request`", 0.45, to('middle', 'ours-request', 'undici-request')],
    ["1 in flight, `request` to undici's `request`", 0.45, to('single', 'ours-request', 'undici-request')],
    ["1 MiB, `request` to undici's `request`", 0.6, to('large', 'ours-request', 'undici-request')],
    ["TLS, `request` to undici's `request`", 0.6, to('tls', 'ours-request', 'undici-request')],
  ],
  cases: CASES,
  servers: () =>
    CLIENTS.map(([name, title]) => ({ name, title, unavailable: name.startsWith('ours') ? missing() : null })),
};
