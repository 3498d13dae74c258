// Peers that are half open: they vanish without FIN or reset, or never finish the handshake. They live in a network
// namespace of their own, at the end of a wire that is cut under them (`../lib/wire.mjs`).
import { cutWire, DEAF, SERVER, synCookies } from '../lib/wire.mjs';

const GET = 'GET / HTTP/1.1\r\nHost: t\r\n\r\n';

const vanished = (name, about, { act, reads = true, ...rest }) => ({
  name: `vanished-${name}`,
  about: `peers that vanish ${about}`,
  wire: true,
  size: { short: 100, full: 500 },
  async run(crowd, n) {
    await crowd.open(n, act, { host: SERVER, reads });
    cutWire();
  },
  memory: 48,
  gets: 'nothing any more',
  ...rest,
});

export const vanishing = [
  vanished('in-head', 'within a head', {
    act: (attacker) => attacker.sent('GET / HTTP/1.1\r\nHo'),
    options: { headersTimeout: 1_000 },
    bound: 'headersTimeout',
    within: 1_000,
    counted: (n) => ({ timeouts: { headers: n }, responses: { '4xx': n } }),
  }),
  vanished('idle', 'after an answer', {
    act: (attacker) => attacker.send(GET).saw(/fine$/),
    options: { keepAliveTimeout: 1_000 },
    bound: 'keepAliveTimeout',
    within: 2_000,
    counted: (n) => ({ requests: n, timeouts: { idle: n }, responses: { '2xx': n } }),
  }),
  vanished('in-answer', 'in the middle of an answer of 32 MiB', {
    act: (attacker) => attacker.sent('GET /large HTTP/1.1\r\nHost: t\r\n\r\n'),
    reads: false,
    options: { writeTimeout: 1_000 },
    size: { short: 40, full: 200 },
    bound: 'writeTimeout',
    within: 1_000,
    counted: (n) => ({ requests: n, timeouts: { send: n }, responses: { '2xx': n } }),
  }),
  {
    name: 'half-open-handshakes',
    about: 'SYNs without end whose SYN-ACKs go astray',
    wire: true,
    options: { backlog: 128 },
    bound: 'the system: its SYN queue and SYN cookies',
    size: { short: 2_000, full: 20_000 },
    within: 0,
    async run(crowd, n) {
      // None of them will ever be connected.
      for (let begun = 0; begun < n; begun += 500) {
        const some = Array.from({ length: Math.min(500, n - begun) }, () => crowd.one({ host: SERVER, from: DEAF }));
        await new Promise((resolve) => setTimeout(resolve, 300));
        for (const attacker of some) attacker.destroy();
      }
    },
    counted: () => ({}),
    premise: () => (synCookies() > 0 ? undefined : 'the SYN queue never ran over: there was no attack'),
    memory: 32,
    gets: 'SYN-ACKs that it does not see',
  },
];
