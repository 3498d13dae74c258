// One request, one answer, by Node's own client: for the dialogues that servers must pass before they are measured.
import * as http from 'node:http';
import * as https from 'node:https';

const LIMIT_MS = 5_000;

/**
 * Sends a request on a connection of its own: { status, headers, body, session }, the body as bytes. A TLS server's
 * certificate is taken as it is; `session` says what was agreed on, { version, suite, reused }, and holds the `ticket` that
 * resumes it. `tls` holds further options of node:tls.
 */
export function ask(url, { method = 'GET', headers = {}, body, tls = {} } = {}) {
  return new Promise((resolve, reject) => {
    const { request } = url.startsWith('https:') ? https : http;
    const options = { method, headers, agent: false, timeout: LIMIT_MS, rejectUnauthorized: false, ...tls };
    let ticket;
    const sent = request(url, options, (res) => {
      const { socket } = res;
      const session = socket.encrypted && {
        version: socket.getProtocol(),
        suite: socket.getCipher().standardName,
        reused: socket.isSessionReused(),
        ticket,
      };
      const chunks = [];
      res.on('data', (chunk) => chunks.push(chunk)).once('error', reject);
      res.once('end', () =>
        resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks), session }),
      );
    });
    sent.once('socket', (socket) => socket.on('session', (each) => (ticket = each)));
    sent.once('error', reject).once('timeout', () => sent.destroy(new Error(`no answer from ${url}`)));
    sent.end(body);
  });
}
