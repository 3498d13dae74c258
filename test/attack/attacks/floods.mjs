// Requests without end.
const GET = 'GET / HTTP/1.1\r\nHost: t\r\n\r\n';
const NEVER = 'GET /never HTTP/1.1\r\nHost: t\r\n\r\n';
/** Requests in one write. */
const BLOCK = 2_000;
/** Bytes of an answer: every one is as long, `Date` included. */
const LENGTH = /^HTTP\/1\.1 200 [\s\S]*?\r\n\r\nfine/;

/** One attacker that has so many requests answered, sending as fast as the socket takes. */
async function drain(attacker, requests) {
  attacker.send(GET);
  await attacker.saw(/fine$/);
  const total = requests * LENGTH.exec(attacker.text)[0].length;
  const block = Buffer.from(GET.repeat(BLOCK));
  const all = attacker.took(total);
  for (let left = requests - 1; left > 0; left -= BLOCK) {
    const bytes = left < BLOCK ? block.subarray(0, left * GET.length) : block;
    if (!attacker.socket.write(bytes) && !attacker.closed)
      await new Promise((resolve) => attacker.socket.once('drain', resolve).once('close', resolve));
  }
  if (!(await all)) throw new Error(`cut after ${attacker.received} of ${total} bytes`);
  attacker.destroy();
}

export const floods = [
  {
    name: 'pipelined-flood',
    about: 'pipelined requests as fast as eight connections carry them, all answers read',
    options: {},
    bound: 'maxPipelined, and a share of each turn',
    size: { short: 1_000_000, full: 1_000_000 },
    unit: 'requests',
    connections: 8,
    within: 0,
    run: (crowd, n) => crowd.open(8, (attacker) => drain(attacker, n / 8)),
    counted: (n) => ({ requests: n, responses: { '2xx': n } }),
    memory: 96,
    gets: '200 each',
  },
  {
    name: 'flood-in-one-burst',
    about: 'a hundred thousand requests in one write',
    options: {},
    bound: 'maxPipelined, and a share of each turn',
    size: { short: 100_000, full: 100_000 },
    unit: 'requests',
    connections: 1,
    within: 0,
    run: (crowd, n) =>
      crowd.open(1, async (attacker) => {
        attacker.send(GET.repeat(n));
        await attacker.saw(/\r\n\r\nfine/);
        await attacker.took(n * LENGTH.exec(attacker.text)[0].length);
        attacker.destroy();
      }),
    counted: (n) => ({ requests: n, responses: { '2xx': n } }),
    memory: 64,
    gets: '200 each',
  },
  {
    name: 'flood-of-the-unanswered',
    about: '48 pipelined requests on each connection, for a handler that never answers',
    options: { handlerTimeout: 500, keepAliveTimeout: 500 },
    bound: 'maxPipelined, handlerTimeout, keepAliveTimeout',
    size: { short: 50, full: 100 },
    // 32 are read ahead, the rest when those have got their 503; then the connection is idle.
    within: 2 * 500 + 1_500,
    run: (crowd, n) => crowd.open(n, (attacker) => attacker.send(NEVER.repeat(48))),
    // Only the first in the queue can send its 102.
    counted: (n) => ({
      requests: 48 * n,
      timeouts: { handler: 48 * n, idle: n },
      responses: { '1xx': [n, 48 * n], '5xx': 48 * n },
    }),
    memory: 96,
    gets: '503 each',
  },
];
