// npm run bench -- peers relay: tunnels through `pipeTo`, haproxy with splice and node's `a.pipe(b); b.pipe(a)`.
import { haveProgram } from '../../measure/debian.mjs';
import { figure, ratio } from '../../report/goals.mjs';
import { missing } from '../millrace.mjs';
import { startProgram } from '../program.mjs';
import { haproxyVersion } from '../tls/haproxy.mjs';
import { runHeld, runOneWay, runPingPong } from '../traffic-case.mjs';
import { startHaproxy } from './haproxy.mjs';

const GIGABYTE = 1_000_000_000;
const WARM_BYTES = 200_000_000;
/** A process may hold 20 000 descriptors, and each tunnel is two here and two in the load. */
const TUNNELS = 5_000;
const TUNNELS_BEFORE = 1_000;

const LIST = [
  ['node-pipe', 'node:net, two pipes', () => null],
  [
    'haproxy',
    'haproxy, one thread, splice',
    () => (haproxyVersion() === null ? 'it is not on PATH: apt-get install haproxy' : null),
  ],
  ['ours', 'millrace, pipeTo', missing],
];

/** Starts a relay before the port `behind`. */
const startServer = (name, { behind, node }) =>
  name === 'haproxy'
    ? startHaproxy(name, behind)
    : startProgram(import.meta.url, name, { node, args: [String(behind)], scheme: 'tcp' });

const oneWay = (name, way, title, what) => ({
  ...{ name, title, what, kind: 'volume' },
  run: (names, options) => runOneWay(names, { start: startServer, way, bytes: GIGABYTE, warm: WARM_BYTES, ...options }),
});

const to =
  (test, other, field = 'total') =>
  (results) =>
    ratio(figure(results, test, 'ours', field), figure(results, test, other, field));

/** What peers/suite.mjs runs. */
export const relay = {
  name: 'relay',
  title: 'Relays',
  how: [
    'The load is both ends: it connects to the relay, which connects to it. The relay has a core of its own; the other is ' +
      'the load’s. haproxy runs in mode tcp with `option splice-auto`.',
  ],
  minutes: 5,
  rounds: 5,
  seconds: 3,
  peers: [],
  versions: () => ({ haproxy: haproxyVersion() ?? 'absent' }),
  install: () => void haveProgram('haproxy', ['-v']),
  reference: 'haproxy',
  goals: [
    ['1 GB down, to haproxy', 1.0, to('down', 'haproxy')],
    ['1 GB down, to node', 0.5, to('down', 'node-pipe')],
    ['1 GB up, to haproxy', 1.0, to('up', 'haproxy')],
    ['Messages of 64 B, to haproxy', 1.0, to('small', 'haproxy')],
    ['Memory of a tunnel, to haproxy', 1.0, to('held', 'haproxy', 'answered')],
  ],
  cases: [
    {
      name: 'small',
      title: 'Messages of 64 bytes, there and back, 64 tunnels',
      what: 'Each tunnel’s next message follows the echo of the last. CPU of the relay for each there and back.',
      kind: 'load',
      run: (names, options) => runPingPong(names, { start: startServer, connections: 64, size: 64, ...options }),
    },
    oneWay('down', 'D', '1 GB down one tunnel', 'From behind the relay. Milliseconds of CPU per 10⁹ bytes.'),
    oneWay('up', 'U', '1 GB up one tunnel', 'To what is behind the relay.'),
    {
      name: 'held',
      title: `Memory of a tunnel, ${TUNNELS / 1000} 000 of them`,
      what:
        'What the resident memory of the process grows by, for each tunnel, garbage collected: opened, then after a byte ' +
        `there and back. ${TUNNELS_BEFORE / 1000} 000 others are open before, uncounted. What a kernel holds is in none of these.`,
      kind: 'idle',
      most: 2,
      run: (names, options) =>
        runHeld(names, { start: startServer, connections: TUNNELS, before: TUNNELS_BEFORE, ...options }),
    },
  ],
  servers: () => LIST.map(([name, title, why]) => ({ name, title, unavailable: why() })),
  startServer,
};
