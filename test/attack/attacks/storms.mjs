// Connections without end: opened and closed as fast as one process can.
const LANES = 64;

/** One connection after the other in each of so many lanes, until there were n. */
function storm(leave) {
  return async (crowd, n) => {
    const { Attacker } = await import('../lib/attacker.mjs');
    let left = n;
    const lane = async (place) => {
      // An address for each lane: one has 28 000 ports, and each rests for a minute.
      for (const from = `127.0.1.${place + 1}`; left-- > 0; crowd.passed++) {
        const attacker = new Attacker(crowd.port, { from });
        if (!(await attacker.connected())) throw new Error(`connecting failed: ${attacker.error}`);
        leave(attacker);
        // A lane waits for its own descriptor, not for the server.
        if (!attacker.closed) await new Promise((resolve) => attacker.socket.once('close', resolve));
      }
    };
    await Promise.all(Array.from({ length: LANES }, (_, place) => lane(place)));
  };
}

const row = (name, about, leave, counted = () => ({})) => ({
  name,
  about,
  options: {},
  bound: 'a share of each turn',
  size: { short: 10_000, full: 50_000 },
  within: 0,
  run: storm(leave),
  counted,
  memory: 48,
  gets: 'nothing',
});

export const storms = [
  row('storm', 'connect and close', (attacker) => attacker.destroy()),
  row(
    'storm-with-a-byte',
    'connect, one byte, close',
    (attacker) => void attacker.send('G').destroy(),
    (n) => ({
      // Half a request: the answer is queued, and nobody is there to take it.
      errors: n,
      responses: { '4xx': n },
    }),
  ),
  row('storm-of-resets', 'connect, one byte, reset', (attacker) => void attacker.send('G').reset()),
  {
    name: 'hoard',
    about: 'one address opens as many connections as it can and keeps them',
    options: { maxConnectionsPerIp: 100, headersTimeout: 1_000 },
    full: { options: { maxConnectionsPerIp: 100, headersTimeout: 5_000 }, within: 5_000 },
    bound: 'maxConnectionsPerIp, headersTimeout',
    size: { short: 500, full: 2_000 },
    // Those that were refused keep their FIN to themselves, and the lingering close waits for it.
    within: 2_000,
    run: (crowd, n) => crowd.open(n, () => undefined),
    counted: (n) => ({
      refused: n - 100,
      timeouts: { headers: 100 },
      limits: { maxConnectionsPerIp: n - 100 },
    }),
    memory: 32,
    gets: '503',
  },
];
