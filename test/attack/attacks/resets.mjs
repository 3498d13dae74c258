// Resets in every phase. Where the server runs a handler, it says so with a 102 first: so the phase is sure.
const POST = 'POST /collect HTTP/1.1\r\nHost: t\r\n';
const NEVER = 'GET /never HTTP/1.1\r\nHost: t\r\n\r\n';
const RUNNING = /^HTTP\/1\.1 102 /;

/** Sends, waits for a sign, resets. */
const reset = (phase, about, { bytes, sign, counted, options = {}, memory = 32 }) => ({
  name: `reset-${phase}`,
  about: `a reset ${about}`,
  options,
  bound: 'at once',
  size: { short: 200, full: 5_000 },
  within: 0,
  run: (crowd, n) =>
    crowd.open(n, async (attacker) => {
      if (bytes !== undefined) await new Promise((resolve) => attacker.socket.write(bytes, resolve));
      if (sign !== undefined && !(await sign(attacker))) throw new Error(`cut before its time: ${attacker.text}`);
      attacker.reset();
    }),
  counted,
  memory,
  gets: 'nothing',
});

const running = (attacker) => attacker.saw(RUNNING);
const told = (n) => ({ requests: n, aborted: n, responses: { '1xx': n } });

export const resets = [
  reset('before-first-byte', 'before the first byte', { counted: () => ({}) }),
  reset('in-head', 'within a head', { bytes: 'GET / HTTP/1.1\r\nHo', counted: () => ({}) }),
  reset('in-declared-body', 'within a declared body', {
    bytes: `${POST}Content-Length: 100000\r\n\r\nbegun`,
    sign: running,
    counted: told,
  }),
  reset('in-chunked-body', 'within a chunk', {
    bytes: `${POST}Transfer-Encoding: chunked\r\n\r\n100\r\nbegun`,
    sign: running,
    counted: told,
  }),
  reset('while-handler-runs', 'while a handler runs', { bytes: NEVER, sign: running, counted: told }),
  reset('while-answer-is-sent', 'in the middle of an answer of 32 MiB', {
    bytes: 'GET /large HTTP/1.1\r\nHost: t\r\n\r\n',
    sign: (attacker) => attacker.took(1),
    // Queued whole, and not taken: the exchange did not end as it should.
    counted: (n) => ({ requests: n, aborted: n, responses: { '2xx': n } }),
  }),
  reset('in-pipelined-queue', 'with eight requests that wait', {
    bytes: NEVER.repeat(8),
    sign: running,
    // The first has said that it runs; the reset may overtake the others.
    counted: (n) => ({ requests: [n, 8 * n], aborted: [n, 8 * n], responses: { '1xx': [n, 8 * n] } }),
  }),
  reset('in-tunnel', 'within a tunnel', {
    bytes: 'CONNECT t:1 HTTP/1.1\r\nHost: t:1\r\n\r\nhello',
    sign: (attacker) => attacker.saw(/hello$/),
    options: { tunnels: true },
    counted: (n) => ({ requests: n, aborted: n, upgrades: n }),
  }),
  reset('in-lingering-close', 'after the answer to a bad request', {
    bytes: 'GET / HTTP/9.9\r\n\r\n',
    sign: (attacker) => attacker.over(),
    counted: (n) => ({ errors: n, responses: { '5xx': n } }),
  }),
];
