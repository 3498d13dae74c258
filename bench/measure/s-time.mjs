// Runs openssl's s_time on the load's core: connection after connection, each with a handshake, one request, an answer.
import { haveProgram } from './debian.mjs';
import { runLoadProgram } from './load-program.mjs';

/** Whether openssl can be started; on Debian, as root, it is installed when it is not there. */
export const haveOpenssl = () => haveProgram('openssl', ['version']);

/**
 * Runs one for some seconds: full handshakes of TLS 1.3, or such that resume a session, which a first connection, not
 * counted, has got. Answers { connections, problems }.
 */
export async function openConnections(core, { port, resume, suite, seconds }) {
  const args = ['s_time', '-connect', `127.0.0.1:${port}`, resume ? '-reuse' : '-new', '-tls1_3'];
  args.push('-ciphersuites', suite, '-www', '/', '-time', String(seconds));
  const out = await runLoadProgram(core, 'openssl', args, seconds);
  try {
    return readConnections(out, resume);
  } catch (error) {
    throw new Error(`${error.message}\n${out.trim().slice(-400)}`, { cause: error });
  }
}

/**
 * What s_time's output says. It prints a character for each connection: `r` for one that resumed, `*` or one of its
 * version for another.
 */
export function readConnections(out, resume) {
  const counted = /^(\d+) connections in \d+ real seconds, (\d+) bytes read per connection$/m.exec(out);
  if (!counted) throw new Error('openssl s_time printed no result');
  const [connections, bytes] = counted.slice(1).map(Number);
  const marks = /^[r*3t]+$/m.exec(out)?.[0] ?? '';
  const resumed = marks.replaceAll(/[^r]/g, '').length;
  const problems = [];
  if (bytes === 0) problems.push('connections ended without an answer');
  if (resume && resumed < connections) problems.push(`${connections - resumed} connections did not resume`);
  if (!resume && resumed > 0) problems.push(`${resumed} connections resumed`);
  return { connections, problems };
}
