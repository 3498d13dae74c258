// npm run bench -- peers tcp: raw connections by `listen`, by node:net, and by system calls alone.
import { figure, ratio } from '../../report/goals.mjs';
import { missing } from '../millrace.mjs';
import { startProgram } from '../program.mjs';
import { missing as missingFloor, startFloor } from './floor.mjs';
import { runHeld, runOneWay, runPingPong } from '../traffic-case.mjs';

const GIGABYTE = 1_000_000_000;
const WARM_BYTES = 200_000_000;

const LIST = [
  ['node-net', 'node:net', () => null],
  ['ours', 'millrace, listen', missing],
  ['floor', 'C, system calls alone', missingFloor],
];

const startServer = (name, { node }) =>
  name === 'floor' ? startFloor(name) : startProgram(import.meta.url, name, { node, scheme: 'tcp' });

const oneWay = (name, way, title, what) => ({
  ...{ name, title, what, kind: 'volume' },
  run: (names, options) => runOneWay(names, { start: startServer, way, bytes: GIGABYTE, warm: WARM_BYTES, ...options }),
});

const to =
  (test, field = 'total') =>
  (results) =>
    ratio(figure(results, test, 'ours', field), figure(results, test, 'node-net', field));

/** What peers/suite.mjs runs. */
export const tcp = {
  name: 'tcp',
  title: 'Raw TCP',
  how: [
    'Both programs of JavaScript have the same handlers, by `data`, `drain` and `end` events. The one of C does the same ' +
      'with one `epoll_wait` for all, one `recv` and one `send`, and nothing else: what is left is the kernel. The load is ' +
      'the same program (`bench/load/tcp-traffic.c`) on the other core.',
  ],
  minutes: 3,
  rounds: 5,
  seconds: 3,
  peers: [],
  reference: 'node-net',
  goals: [
    ['Echo of 32 B, to node:net', 0.5, to('echo')],
    ['1 GB up, to node:net', 0.7, to('up')],
    ['1 GB down, to node:net', 0.7, to('down')],
    ['Memory of a connection, to node:net', 0.5, to('held', 'answered')],
  ],
  cases: [
    {
      name: 'echo',
      title: 'Echo of 32 bytes, 64 connections',
      what: 'Each connection’s next message follows the echo of the last. CPU of the server for each.',
      kind: 'load',
      run: (names, options) => runPingPong(names, { start: startServer, connections: 64, size: 32, ...options }),
    },
    oneWay('up', 'U', '1 GB to the server', 'One connection; chunks are counted. Milliseconds of CPU per 10⁹ bytes.'),
    oneWay('down', 'D', '1 GB from the server', 'One connection; blocks of 64 KiB, waiting for `drain`.'),
    {
      name: 'held',
      title: 'Memory of a connection, 5 000 of them',
      what:
        'What the resident memory of the process grows by, for each connection, garbage collected: opened, then after a ' +
        'byte there and back. 1 000 others are open before, uncounted.',
      kind: 'idle',
      most: 2,
      run: (names, options) => runHeld(names, { start: startServer, connections: 5_000, before: 1_000, ...options }),
    },
  ],
  servers: () => LIST.map(([name, title, why]) => ({ name, title, unavailable: why() })),
  startServer,
};
