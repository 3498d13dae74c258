// Debian's slowhttptest in its four modes: the attacks of another's pen. In the full form against the default timeouts.
const RATE = 500;
/** It sends requests of its own to see whether the server is there. */
const OWN = 30;

const mode = (name, about, letter, { path, args = [], counted, full, ...rest }) => ({
  name: `slowhttptest-${name}`,
  about: `slowhttptest -${letter}: ${about}`,
  tool: 'slowhttptest',
  args: (port, n, seconds) => [
    ...[`-${letter}`, '-c', String(n), '-r', String(RATE), '-l', String(seconds), '-p', '5', ...args],
    ...['-u', `http://127.0.0.1:${port}${path}`],
  ],
  size: { short: 200, full: 1_000 },
  seconds: 20,
  memory: 64,
  counted,
  full: { options: {}, seconds: 120, ...full },
  ...rest,
});

/** What its own requests add. */
const with200 = ({ requests = 0, ...counts }, n) => ({
  // It ends itself, perhaps in the middle of an answer.
  aborted: [0, n + OWN],
  ...counts,
  requests: [requests, requests + OWN],
  responses: { ...counts.responses, '2xx': [counts.responses?.['2xx'] ?? 0, n + OWN] },
});

export const slowhttptest = [
  mode('headers', 'heads that never end', 'H', {
    path: '/',
    options: { headersTimeout: 1_000 },
    bound: 'headersTimeout',
    within: 1_000,
    counted: (n) => with200({ timeouts: { headers: n }, responses: { '4xx': n } }, n),
    gets: '408',
    full: { within: 30_000 },
  }),
  mode('body', 'bodies that never end', 'B', {
    path: '/stream',
    options: { bodyTimeout: 1_500 },
    bound: 'bodyTimeout',
    within: 1_500,
    counted: (n) => with200({ requests: n, timeouts: { body: n }, responses: { '4xx': n } }, n),
    gets: '408',
    full: {
      // Five seconds of credit, and what its first bytes buy at 240 a second.
      bound: 'minReceiveRate',
      within: 5_500,
      counted: (n) => with200({ requests: n, timeouts: { receiveRate: n }, responses: { '4xx': n } }, n),
    },
  }),
  mode('read', 'answers read five bytes a second', 'X', {
    path: '/large',
    // Windows of a few hundred bytes at most.
    args: ['-w', '1', '-y', '512', '-n', '1', '-z', '5'],
    size: { short: 40, full: 100 },
    options: { writeTimeout: 1_000 },
    bound: 'writeTimeout, minSendRate',
    within: 1_000,
    counted: (n) => with200({ requests: n, sums: { 'send + sendRate': n } }, n),
    gets: 'a reset',
    full: { within: 60_000 },
  }),
  mode('range', 'two thousand overlapping ranges of a file in each request', 'R', {
    path: '/file',
    args: ['-a', '5', '-b', '2000'],
    options: { keepAliveTimeout: 500 },
    files: true,
    bound: 'maxHeaderSize; ranges of one request are not served apart',
    within: 1_500,
    counted: (n) => with200({ requests: n, responses: { '2xx': n } }, n),
    gets: '200, the file once',
    full: { within: 66_000 },
  }),
];
