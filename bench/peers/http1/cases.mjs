// The cases: what a server is put under, and what for.
import { runIdle } from '../idle-case.mjs';
import { runLoad } from '../load-case.mjs';
import { BIG, UPLOAD_BYTES } from './answers.mjs';
import { startServer, verify } from './servers.mjs';

const CONNECTIONS = 5_000;
/** Rounds that suffice where no goal hangs on a few percent. */
const COARSE = 3;
/** What connections cost has nothing to do with the shape of a handler: one of ours stands for all. */
const TELL_CONNECTIONS_APART = ['node-http', 'fastify', 'uwebsockets', 'ours-async'];

/** A case of load; `load` is what measure/wrk.mjs sends, with a path in place of the URL, for `least` seconds or more. */
const load = (name, given) => ({
  name,
  kind: 'load',
  ...given,
  run: (names, options) => {
    const seconds = Math.max(options.seconds, given.least ?? 0);
    return runLoad(names, { load: given.load, start: startServer, verify, ...options, seconds });
  },
});

export const CASES = [
  load('plain', {
    title: 'Plain text, 64 connections',
    what:
      '`GET /`, 13 bytes of text; the next request follows the answer. Rounds of six seconds or more: user time, of which a ' +
      'goal speaks, is sampled.',
    load: { path: '/', connections: 64, script: 'outcome' },
    least: 6,
  }),
  load('pipelined', {
    title: 'Pipelined, 64 connections × 16 requests',
    what: 'The same, 16 requests in one write.',
    load: { path: '/', connections: 64, script: 'pipelined' },
  }),
  load('json', {
    title: 'JSON, 4 KiB',
    what: '`GET /json`; the document is serialized by `JSON.stringify` for each request.',
    load: { path: '/json', connections: 64, script: 'outcome' },
    most: COARSE,
  }),
  load('upload', {
    title: `Upload, ${UPLOAD_BYTES / 1024} KiB`,
    what: '`POST /upload`; the body is collected whole, its length is the answer.',
    load: { path: '/upload', connections: 64, script: 'upload' },
    most: COARSE,
  }),
  load('big', {
    title: `Download, ${BIG.length / (1 << 20)} MiB`,
    what: '`GET /big`, from one Buffer that stays the same.',
    load: { path: '/big', connections: 64, script: 'outcome' },
    most: COARSE,
  }),
  load('short', {
    title: 'A connection for each request, 16 at a time',
    what: '`GET /` with `Connection: close`: accept, request, answer, close.',
    load: { path: '/', connections: 16, script: 'outcome', headers: { Connection: 'close' } },
    most: COARSE,
  }),
  // By one load, for it is the slower of the two: a server that waits for it gathers fewer requests at a wake.
  load('connections-64', {
    title: 'Plain text, 64 connections, by the load of the next case',
    what: '`GET /`; counted in a window, as the next case: what differs between the two is the number of connections.',
    load: { path: '/', connections: 64, script: 'window' },
    servers: ['uwebsockets', 'ours-async'],
  }),
  load('connections-5000', {
    title: 'Plain text, 5 000 connections',
    what: '`GET /`; counted in a window that opens when all connections have been accepted.',
    load: { path: '/', connections: 5_000, script: 'window' },
    servers: TELL_CONNECTIONS_APART,
  }),
  {
    name: 'idle',
    kind: 'idle',
    title: `Memory of an idle connection, ${CONNECTIONS / 1000} 000 of them`,
    what:
      'What the resident memory of a fresh process grows by, for each connection, garbage collected: opened and silent, ' +
      'then after one request and its answer. 5 000 others were opened and answered before, uncounted: they fill what the ' +
      'start left free, and have the threads of V8 take the memory that so many requests want of them. Medians of as many ' +
      'processes as there are rounds.',
    servers: TELL_CONNECTIONS_APART,
    run: (names, options) =>
      runIdle(names, { start: startServer, connections: CONNECTIONS, scheme: 'http', ...options }),
  },
];
