// Connections that are there and say nothing, or that have said all that they will.
import { boundBy, each } from './row.mjs';

const GET = 'GET / HTTP/1.1\r\nHost: t\r\n\r\n';
const NEVER = 'GET /never HTTP/1.1\r\nHost: t\r\n\r\n';

export const halfOpen = [
  {
    name: 'silent',
    about: 'connections without a byte',
    ...boundBy('headersTimeout', 1_000, 5_000),
    ...each(500, 2_000, () => undefined),
    counted: (n) => ({ timeouts: { headers: n } }),
    memory: 32,
    gets: 'a FIN',
  },
  {
    name: 'idle',
    about: 'connections that were served once and stay',
    // As advertised, and the second that is left to the client.
    ...boundBy('keepAliveTimeout', 1_000, 5_000, 1_000),
    ...each(500, 2_000, (attacker) => attacker.send(GET).saw(/fine$/)),
    counted: (n) => ({ requests: n, timeouts: { idle: n }, responses: { '2xx': n } }),
    memory: 48,
    gets: 'a FIN',
  },
  {
    name: 'half-closed-head',
    about: 'half a head and a FIN',
    options: {},
    bound: 'at once',
    within: 0,
    ...each(500, 2_000, (attacker) => void attacker.send('GET / HTTP/1.1\r\nHo').socket.end()),
    counted: (n) => ({ errors: n, responses: { '4xx': n } }),
    memory: 32,
    gets: '400',
  },
  {
    name: 'half-closed-waiting',
    about: 'a request and a FIN, for an answer that never comes',
    ...boundBy('handlerTimeout', 1_000, 5_000),
    ...each(200, 2_000, (attacker) => void attacker.send(NEVER).socket.end()),
    counted: (n) => ({ requests: n, timeouts: { handler: n }, responses: { '1xx': n, '5xx': n } }),
    memory: 48,
    gets: '503',
  },
];
