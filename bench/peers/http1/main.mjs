// npm run bench -- peers http1: our HTTP/1.1 server beside others.
import { CASES } from './cases.mjs';
import { GOALS } from './goals.mjs';
import { REFERENCE, servers, startServer } from './servers.mjs';

/** What peers/suite.mjs runs and bench/profile looks into. */
export const http1 = {
  name: 'http1',
  title: 'HTTP/1.1',
  how: [],
  minutes: 20,
  rounds: 5,
  seconds: 2,
  peers: ['fastify', 'uwebsockets'],
  reference: REFERENCE,
  goals: GOALS,
  cases: CASES,
  servers,
  startServer,
};
