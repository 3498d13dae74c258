// Drips: a byte now and then, in time for any gap that is allowed.
import { boundBy, each } from './row.mjs';

const EVERY = 100;
const BEGUN = 'GET / HTTP/1.1\r\nHost: t\r\nX: ';
const POST = 'POST /collect HTTP/1.1\r\nHost: t\r\n';
const DECLARED = `${POST}Content-Length: 1000000\r\n\r\n`;
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;

/** A request that was begun, its handler told, its client told 102, and cut with 408. */
const cutBody = (phase) => (n) => ({
  requests: n,
  timeouts: { [phase]: n },
  responses: { '1xx': n, '4xx': n },
});

/** Of a body that goes on in time for bodyTimeout. */
const BODY_GOES_ON = {
  options: { requestTimeout: 1_500, bodyTimeout: 1_000 },
  full: { options: { requestTimeout: 4_500, bodyTimeout: 3_000 }, within: 4_500 },
  bound: 'requestTimeout',
  within: 1_500,
  counted: cutBody('request'),
  memory: 48,
  gets: '408',
};

export const drips = [
  {
    name: 'header-drip',
    about: 'a field that grows by a byte every 100 ms and never ends',
    ...boundBy('headersTimeout', 1_000, 5_000),
    ...each(200, 1_000, (attacker) => attacker.send(BEGUN).drip('a', EVERY)),
    counted: (n) => ({ timeouts: { headers: n }, responses: { '4xx': n } }),
    memory: 32,
    gets: '408',
  },
  {
    name: 'header-drip-kept',
    about: 'the same in the second request of a connection',
    ...boundBy('headersTimeout', 1_000, 5_000),
    ...each(200, 1_000, async (attacker) => {
      await attacker.send('GET / HTTP/1.1\r\nHost: t\r\n\r\n').saw(/fine$/);
      attacker.send(BEGUN).drip('a', EVERY);
    }),
    counted: (n) => ({ requests: n, timeouts: { headers: n }, responses: { '2xx': n, '4xx': n } }),
    memory: 32,
    gets: '408',
  },
  {
    name: 'empty-line-drip',
    about: 'empty lines before the request line, one every 100 ms',
    options: { headersTimeout: 5_000 },
    bound: 'two empty lines',
    // The lingering close of a bad request.
    within: 2_000,
    ...each(100, 1_000, (attacker) => attacker.drip('\r\n', EVERY)),
    counted: (n) => ({ errors: n, responses: { '4xx': n } }),
    memory: 32,
    gets: '400',
  },
  {
    name: 'body-drip',
    about: 'a byte of a declared body every 100 ms: in time for bodyTimeout',
    ...BODY_GOES_ON,
    ...each(200, 1_000, (attacker) => attacker.send(DECLARED).drip('x', EVERY)),
  },
  {
    name: 'chunk-drip',
    about: 'a chunk of one byte every 100 ms',
    ...BODY_GOES_ON,
    ...each(200, 1_000, (attacker) => attacker.send(CHUNKED).drip('1\r\nx\r\n', EVERY)),
  },
  {
    name: 'body-stall',
    about: 'a part of a declared body and then nothing',
    ...boundBy('bodyTimeout', 1_000, 5_000),
    ...each(200, 1_000, (attacker) => attacker.send(`${DECLARED}begun`)),
    counted: cutBody('body'),
    memory: 48,
    gets: '408',
  },
  {
    name: 'body-rate',
    about: 'ten bytes of a body a second, with a requestTimeout of minutes',
    options: {},
    bound: 'minReceiveRate',
    // Five seconds of credit and what the bytes of that time buy at 240 a second.
    within: 5_250,
    ...each(200, 1_000, (attacker) => attacker.send(DECLARED).drip('x', EVERY)),
    counted: cutBody('receiveRate'),
    memory: 48,
    gets: '408',
  },
];
