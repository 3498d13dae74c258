// Slow readers: an answer that nobody takes, or takes by the sip.
import { each } from './row.mjs';

const GET = 'GET /large HTTP/1.1\r\nHost: t\r\n\r\n';

const BURST = Buffer.from('GET /page HTTP/1.1\r\nHost: t\r\n\r\n'.repeat(2_000));
/** So many, with sockets that are not read. */
const unread = (act) => each(40, 100, act, { reads: false });

export const slowReads = [
  {
    name: 'slow-read',
    about: '32 MiB asked for, and no byte of them read',
    options: { writeTimeout: 1_000 },
    bound: 'writeTimeout',
    within: 1_000,
    ...unread((attacker) => attacker.send(GET)),
    counted: (n) => ({ requests: n, timeouts: { send: n }, responses: { '2xx': n } }),
    memory: 80,
    gets: 'a reset',
  },
  {
    name: 'slow-read-pipelined',
    about: 'two thousand requests for 12 KiB each in one write, and no byte of the answers read',
    options: { writeTimeout: 1_000 },
    bound: 'writeTimeout, writeHighWaterMark',
    within: 1_000,
    ...unread((attacker) => attacker.send(BURST)),
    // How many are taken up depends on the system's buffers.
    counted: (n) => ({
      requests: [n, 2_000 * n],
      timeouts: { send: n },
      responses: { '2xx': [n, 2_000 * n] },
    }),
    memory: 80,
    gets: 'a reset',
  },
  {
    name: 'slow-read-sip',
    about: '32 MiB asked for, and read 256 KiB every 100 ms: there is always some progress',
    options: { minSendRate: 1_000_000_000, writeTimeout: 5_000 },
    bound: 'minSendRate',
    within: 5_000,
    ...unread((attacker) => attacker.sip(262_144, 100).send(GET)),
    counted: (n) => ({ requests: n, timeouts: { sendRate: n }, responses: { '2xx': n } }),
    memory: 80,
    gets: 'a reset',
  },
];
