// Runs openssl's s_time on the load's core: connection after connection, each with a handshake, one request, an answer.
import { spawn } from 'node:child_process';
import { haveProgram } from './debian.mjs';

const LIMIT_BEYOND = 20_000;

/** Whether openssl can be started; on Debian, as root, it is installed when it is not there. */
export const haveOpenssl = () => haveProgram('openssl', ['version']);

/**
 * Runs one for some seconds: full handshakes of TLS 1.3, or such that resume a session, which a first connection, not
 * counted, has got. Answers { connections, problems }.
 */
export function openConnections(core, { port, resume, suite, seconds }) {
  const args = ['s_time', '-connect', `127.0.0.1:${port}`, resume ? '-reuse' : '-new', '-tls1_3'];
  args.push('-ciphersuites', suite, '-www', '/', '-time', String(seconds));
  return new Promise((resolve, reject) => {
    const child = spawn('taskset', ['-c', String(core), 'openssl', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (out += text));
    const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1_000 + LIMIT_BEYOND);
    child.once('error', reject);
    child.once('close', (status, signal) => {
      clearTimeout(timer);
      try {
        if (status !== 0) throw new Error(`openssl s_time ended with ${signal ?? `status ${status}`}`);
        resolve(readConnections(out, resume));
      } catch (error) {
        reject(new Error(`${error.message}\n${out.trim().slice(-400)}`, { cause: error }));
      }
    });
  });
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
