// The cases: what a server is put under, and what for.
import { runIdle } from '../idle-case.mjs';
import { runLoad } from '../load-case.mjs';
import { BIG, UPLOAD_BYTES } from './answers.mjs';
import { startServer, verify } from './servers.mjs';

const CONNECTIONS = 5_000;
const UPLOAD = {
  method: 'POST',
  fields: { 'Content-Type': 'application/octet-stream' },
  body: '0123456789abcdef'.repeat(UPLOAD_BYTES / 16),
};
/** Rounds that suffice where no goal hangs on a few percent. */
const COARSE = 3;
/** What connections cost has nothing to do with the shape of a handler: one of ours stands for all. */
const TELL_CONNECTIONS_APART = ['node-http', 'fastify', 'uwebsockets', 'ours-async'];

/** A case of load; `load` is what measure/sender.mjs sends, with a path in place of the URL, for `least` seconds or more. */
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
      '`GET /`, 13 bytes of text; a connection’s next request follows the answer. Rounds of six seconds or more: user time, of which a ' +
      'goal speaks, is sampled.',
    load: { path: '/', connections: 64, steady: {} },
    least: 6,
  }),
  load('few', {
    title: 'Plain text, 4 connections',
    what: 'The same by four connections: each wake finds little, so what a wake costs is shared by few requests.',
    load: { path: '/', connections: 4, steady: {} },
    most: COARSE,
  }),
  load('pipelined', {
    title: 'Pipelined, 64 connections × 16 requests',
    what: 'The same, 16 requests in one write.',
    load: { path: '/', connections: 64, steady: { depth: 16 } },
  }),
  load('json', {
    title: 'JSON, 4 KiB',
    what: '`GET /json`; the document is serialized by `JSON.stringify` for each request.',
    load: { path: '/json', connections: 64, steady: {} },
    most: COARSE,
  }),
  load('upload', {
    title: `Upload, ${UPLOAD_BYTES / 1024} KiB`,
    what: '`POST /upload`; the body is collected whole, its length is the answer.',
    load: { path: '/upload', connections: 64, steady: UPLOAD },
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
    load: { path: '/', connections: 16, steady: { fields: { Connection: 'close' }, fresh: true } },
    most: COARSE,
  }),
  load('connections-5000', {
    title: 'Plain text, 5 000 connections',
    what: '`GET /`; the clock runs from when all connections have been accepted. Beside the first table: what differs is their number.',
    load: { path: '/', connections: 5_000, steady: {} },
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
