// npm run bench -- peers tls: TLS by `serve`, node:https, nginx and haproxy.
import { fileURLToPath } from 'node:url';
import { haveProgram } from '../../measure/debian.mjs';
import { haveOpenssl } from '../../measure/s-time.mjs';
import { figure, ratio } from '../../report/goals.mjs';
import { runIdle } from '../idle-case.mjs';
import { runLoad } from '../load-case.mjs';
import { nginxVersion } from '../nginx.mjs';
import { runVolume } from '../volume-case.mjs';
import { runHandshakes } from './handshake-case.mjs';
import { haproxyVersion } from './haproxy.mjs';
import { bodyFolder, LARGE_BYTES, SUITE, WARM_BYTES } from './material.mjs';
import { REFERENCE, servers, startServer, verify } from './servers.mjs';

const CONNECTIONS = 2_000;
/** Rounds that suffice where a round is long or exact. */
const COARSE = 3;
const volume = fileURLToPath(new URL('../../load/tls-volume.mjs', import.meta.url));
// By a window in the middle of the run: the handshakes at its start are not what is counted.
const HELLO = { path: '/', connections: 64, script: 'window', lead: 1 };

const handshakes = (name, title, what, resume) => ({
  ...{ name, title, what, kind: 'load' },
  run: (names, options) => runHandshakes(names, { resume, suite: SUITE, start: startServer, verify, ...options }),
});

const large = (direction, title, what, told) => ({
  ...{ name: direction, title, what, kind: 'volume', most: COARSE, servers: told },
  run: (names, options) =>
    runVolume(names, {
      client: ({ port }) => [volume, String(port), direction, String(LARGE_BYTES), String(WARM_BYTES)],
      first: 'warm',
      start: (name) => startServer(name, { root: direction === 'down' && name === 'nginx' ? bodyFolder() : undefined }),
      verify,
      ...options,
    }),
});

const CASES = [
  {
    name: 'hello',
    title: 'Plain text over TLS, 64 connections',
    what: '`GET /`, 13 bytes of text; the next request follows the answer. Counted in a window behind the handshakes.',
    kind: 'load',
    load: HELLO,
    run: (names, options) => runLoad(names, { load: HELLO, start: startServer, verify, ...options }),
  },
  handshakes(
    'full',
    'Full handshakes',
    'A connection, a full handshake with ECDSA on P-256, one request, its answer, the end; four clients (`openssl s_time`).',
    false,
  ),
  handshakes('resumed', 'Resumed handshakes', 'The same with a ticket of an earlier connection.', true),
  large(
    'down',
    'A body of 1 GB down',
    'One connection; the programs write blocks of 64 KiB and wait for `drain`, nginx sends a file. Milliseconds of CPU per ' +
      '10⁹ bytes.',
    ['node-https', 'nginx', 'ours'],
  ),
  large('up', 'A body of 1 GB up', 'One connection; the chunks are counted, their sum is the answer.', [
    'node-https',
    'ours',
  ]),
  {
    name: 'idle',
    kind: 'idle',
    title: `Memory of an idle TLS connection, ${CONNECTIONS / 1000} 000 of them`,
    what:
      'What the resident memory of a fresh process grows by, for each connection, garbage collected: after the handshake, ' +
      'then after one request and its answer. As many others were opened and answered before, uncounted. Medians of at most two processes.',
    most: 2,
    run: (names, options) =>
      runIdle(names, { start: startServer, connections: CONNECTIONS, scheme: 'https', ...options }),
  },
];

const to =
  (test, other, field = 'total') =>
  (results) =>
    ratio(figure(results, test, 'ours', field), figure(results, test, other, field));

/** What peers/suite.mjs runs and bench/profile looks into. */
export const tls = {
  name: 'tls',
  title: 'TLS',
  how: [
    `Every server speaks TLS 1.3 with ${SUITE} and no other, with the same ECDSA certificate on P-256, which the run makes. ` +
      'Each passes the same dialogue first: version, suite, the answer, a second connection that resumes the session of ' +
      'the first. haproxy answers by itself, without a server behind it.',
  ],
  minutes: 8,
  rounds: 3,
  seconds: 2,
  peers: [],
  versions: () => ({ nginx: nginxVersion() ?? 'absent', haproxy: haproxyVersion() ?? 'absent' }),
  install() {
    if (!haveOpenssl()) throw new Error('openssl is not on PATH: apt-get install openssl');
    haveProgram('nginx', ['-v']);
    haveProgram('haproxy', ['-v']);
  },
  reference: REFERENCE,
  goals: [
    ['Plain text, to node:https', 0.5, to('hello', 'node-https')],
    ['Plain text, to nginx', 1.0, to('hello', 'nginx')],
    ['Full handshakes, to node:https', 0.5, to('full', 'node-https')],
    ['Full handshakes, to nginx', 1.0, to('full', 'nginx')],
    ['Resumed handshakes, to node:https', 0.5, to('resumed', 'node-https')],
    ['A body of 1 GB down, to node:https', 0.8, to('down', 'node-https')],
    ['A body of 1 GB up, to node:https', 0.8, to('up', 'node-https')],
    ['Memory of an idle connection, opened', 0.35, to('idle', 'node-https', 'opened')],
    ['Memory of an idle connection, after a request', 0.35, to('idle', 'node-https', 'answered')],
  ],
  cases: CASES,
  servers,
  startServer,
};
