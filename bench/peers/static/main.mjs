// npm run bench -- peers static: files by serveStatic, nginx, express.static and @fastify/static.
import { haveProgram } from '../../measure/debian.mjs';
import { figure, ratio } from '../../report/goals.mjs';
import { runLoad } from '../load-case.mjs';
import { missing } from '../millrace.mjs';
import { nginxVersion, startNginx } from '../nginx.mjs';
import { startProgram } from '../program.mjs';
import { runVolume } from '../volume-case.mjs';
import { tagOf, verify } from './dialogue.mjs';
import { MEDIUM, SMALL, site } from './site.mjs';

const REFERENCE = 'nginx';
const withoutNginx = () => (nginxVersion() === null ? 'nginx is not on PATH: apt-get install nginx' : null);

/** In the order of the tables: [name, what the tables call it, why it cannot be measured]. */
const LIST = [
  ['nginx', 'nginx, one worker', withoutNginx],
  ['express', 'express.static', () => null],
  ['fastify', '@fastify/static', () => null],
  ['ours', 'millrace, serveStatic', missing],
];

const startServer = (name, { node } = {}) =>
  name === 'nginx'
    ? startNginx(name, { server: (port) => `listen 127.0.0.1:${port}; root ${site()};` })
    : startProgram(import.meta.url, name, { node, args: [site()] });

const load = (name, title, what, given) => ({
  ...{ name, title, what, kind: 'load', load: given },
  run: (names, options) => runLoad(names, { load: given, start: startServer, verify, ...options }),
});
const sent = (path) => ({ path, connections: 64, script: 'outcome' });

const CASES = [
  {
    name: 'large',
    title: 'A file of 1 GB',
    what: '`GET /large.bin`, one connection; its bytes are in the page cache. Milliseconds of CPU per 10⁹ bytes.',
    kind: 'volume',
    run: (names, options) => runVolume(names, { path: '/large.bin', start: startServer, verify, ...options }),
  },
  load('small', `A file of ${SMALL.length / 1024} KiB`, '`GET /small.txt`, 64 connections.', sent('/small.txt')),
  load('medium', `A file of ${MEDIUM.length / 1024} KiB`, '`GET /medium.js`, 64 connections.', sent('/medium.js')),
  load(
    'not-modified',
    'A file that the client has',
    '`GET /small.txt` with the `If-None-Match` of what it has: 304.',
    async (server) => ({
      ...sent('/small.txt'),
      headers: { 'If-None-Match': await tagOf(server, '/small.txt') },
      status: 304,
    }),
  ),
];

const toOther = (test, other) => (results) =>
  ratio(figure(results, test, 'ours', 'total'), figure(results, test, other, 'total'));

/** What peers/suite.mjs runs and bench/profile looks into. */
export const staticFiles = {
  name: 'static',
  title: 'Static files',
  how: [
    'Every server passes the same dialogue first: types, `ETag`, `Last-Modified`, 304, HEAD, ranges, 404. nginx has one worker, ' +
      '`sendfile` on, no log, and no `open_file_cache`: like the others it looks files up for each request.',
  ],
  minutes: 4,
  rounds: 5,
  seconds: 2,
  peers: ['express', 'fastify', '@fastify/static'],
  versions: () => ({ nginx: nginxVersion() ?? 'absent' }),
  install: () => haveProgram('nginx', ['-v']),
  reference: REFERENCE,
  goals: [
    ['A file of 1 GB, to nginx', 1.2, toOther('large', 'nginx')],
    ['A file of 1 KiB, to @fastify/static', 1.0, toOther('small', 'fastify')],
    ['A file of 64 KiB, to @fastify/static', 1.0, toOther('medium', 'fastify')],
    ['304, to @fastify/static', 1.0, toOther('not-modified', 'fastify')],
  ],
  cases: CASES,
  servers: () => LIST.map(([name, title, why]) => ({ name, title, unavailable: why() })),
  startServer,
};
