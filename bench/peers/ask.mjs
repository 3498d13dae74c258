// One request, one answer, by Node's own client: for the dialogues that servers must pass before they are measured.
import { request } from 'node:http';

const LIMIT_MS = 5_000;

/** Sends a request on a connection of its own: { status, headers, body }, the body as bytes. */
export function ask(url, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false, timeout: LIMIT_MS }, (res) => {
      const chunks = [];
      res.on('data', (chunk) => chunks.push(chunk)).once('error', reject);
      res.once('end', () => resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks) }));
    });
    sent.once('error', reject).once('timeout', () => sent.destroy(new Error(`no answer from ${url}`)));
    sent.end(body);
  });
}
