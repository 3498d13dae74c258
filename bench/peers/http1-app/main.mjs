// npm run bench -- peers http1-app: a program with routes and middlewares, in fastify, in express and for `serve`.
import { figure, ratio } from '../../report/goals.mjs';
import { runLoad } from '../load-case.mjs';
import { missing } from '../millrace.mjs';
import { startProgram } from '../program.mjs';
import { EXCHANGES, FIELDS, POSTED, verify } from './dialogue.mjs';
import { FILE_BYTES, makeOrder, order } from './model.mjs';

/** In the order of the tables: [file's name, what the tables call it, whether it is ours]. */
const LIST = [
  ['express', 'express', false],
  ['fastify', 'fastify', false],
  ['ours-handler', 'millrace, handler', true],
  ['ours-fetch', 'millrace, fetch handler', true],
];
const REFERENCE = 'fastify';
const lengthOf = (value) => JSON.stringify(value).length;

const startServer = (name, { node } = {}) => startProgram(import.meta.url, name, { node });

const load = (name, title, what, given) => {
  const sent = { connections: 64, script: 'outcome', headers: FIELDS, ...given };
  return {
    ...{ name, title, what, kind: 'load', load: sent },
    run: (names, options) => runLoad(names, { load: sent, start: startServer, verify, ...options }),
  };
};

const CASES = [
  load(
    'route',
    'A route with two parameters and a query',
    `\`GET /api/users/:user/orders/:order?currency=\`, ${lengthOf(order('u7', 'o9', 'EUR'))} bytes of JSON.`,
    {
      path: '/api/users/u7/orders/o9?currency=EUR',
    },
  ),
  load(
    'json',
    'JSON in, JSON out',
    `\`POST /api/orders\`: ${POSTED.length} bytes of JSON are parsed, ${lengthOf(makeOrder(JSON.parse(POSTED)))} answered.`,
    {
      path: '/api/orders',
      script: 'post',
      args: [POSTED],
    },
  ),
  load('not-found', 'No such route', '`GET /api/nothing`: 404 with JSON, behind all middlewares.', {
    path: '/api/nothing',
    status: 404,
  }),
  load(
    'body-in',
    `A body of ${FILE_BYTES / 1024} KiB in`,
    '`POST /api/files/:name`: collected whole, its length is the answer.',
    {
      path: '/api/files/a.bin',
      script: 'upload',
    },
  ),
  load('body-out', `A body of ${FILE_BYTES / 1024} KiB out`, '`GET /api/files/:name`, from one Buffer.', {
    path: '/api/files/a.bin',
  }),
];

const GOALS = CASES.flatMap(({ name, title }) =>
  ['handler', 'fetch'].map((style) => [
    `${title}: \`${style}\``,
    1.0,
    (results) => ratio(figure(results, name, `ours-${style}`, 'total'), figure(results, name, REFERENCE, 'total')),
  ]),
);

/** What peers/suite.mjs runs and bench/profile looks into. */
export const http1App = {
  name: 'http1-app',
  title: 'A program with routes and middlewares',
  how: [
    'The same small API four times (`bench/peers/http1-app`): in express and fastify with their own routers, for `serve` with a ' +
      'plain router of thirty lines. Before each route run four middlewares: request id, three fields for browsers, CORS, ' +
      'authorization. fastify serializes its answers by schemas, the others by `JSON.stringify`. Every program passes the same ' +
      `dialogue of ${EXCHANGES} exchanges first.`,
  ],
  minutes: 4,
  rounds: 5,
  seconds: 2,
  peers: ['express', 'fastify'],
  reference: REFERENCE,
  goals: GOALS,
  cases: CASES,
  servers: () => LIST.map(([name, title, ours]) => ({ name, title, unavailable: ours ? missing() : null })),
  startServer,
};
