// Connections that are there and say nothing, or that have said all that they will.
const GET = 'GET / HTTP/1.1\r\nHost: t\r\n\r\n';
const NEVER = 'GET /never HTTP/1.1\r\nHost: t\r\n\r\n';

export const halfOpen = [
  {
    name: 'silent',
    about: 'connections without a byte',
    options: { headersTimeout: 1_000 },
    full: { options: { headersTimeout: 5_000 }, within: 5_000 },
    bound: 'headersTimeout',
    size: { short: 500, full: 2_000 },
    within: 1_000,
    run: (crowd, n) => crowd.open(n, () => undefined),
    counted: (n) => ({ timeouts: { headers: n } }),
    memory: 32,
    gets: 'a FIN',
  },
  {
    name: 'idle',
    about: 'connections that were served once and stay',
    options: { keepAliveTimeout: 1_000 },
    full: { options: { keepAliveTimeout: 5_000 }, within: 6_000 },
    bound: 'keepAliveTimeout',
    size: { short: 500, full: 2_000 },
    // As advertised, and the second that is left to the client.
    within: 2_000,
    run: (crowd, n) => crowd.open(n, (attacker) => attacker.send(GET).saw(/fine$/)),
    counted: (n) => ({ requests: n, timeouts: { idle: n }, responses: { '2xx': n } }),
    memory: 48,
    gets: 'a FIN',
  },
  {
    name: 'half-closed-head',
    about: 'half a head and a FIN',
    options: {},
    bound: 'at once',
    size: { short: 500, full: 2_000 },
    within: 0,
    run: (crowd, n) => crowd.open(n, (attacker) => void attacker.send('GET / HTTP/1.1\r\nHo').socket.end()),
    counted: (n) => ({ errors: n, responses: { '4xx': n } }),
    memory: 32,
    gets: '400',
  },
  {
    name: 'half-closed-waiting',
    about: 'a request and a FIN, for an answer that never comes',
    options: { handlerTimeout: 1_000 },
    full: { options: { handlerTimeout: 5_000 }, within: 5_000 },
    bound: 'handlerTimeout',
    size: { short: 200, full: 2_000 },
    within: 1_000,
    run: (crowd, n) => crowd.open(n, (attacker) => void attacker.send(NEVER).socket.end()),
    counted: (n) => ({ requests: n, timeouts: { handler: n }, responses: { '1xx': n, '5xx': n } }),
    memory: 48,
    gets: '503',
  },
];
