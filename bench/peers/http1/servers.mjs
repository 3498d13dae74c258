// The servers that are compared, one file each, and the dialogue that each must pass.
import { ask } from '../ask.mjs';
import { missing } from '../millrace.mjs';
import { startProgram } from '../program.mjs';
import { BIG, DOCUMENT, TEXT, UPLOAD_BYTES } from './answers.mjs';

/** In the order of the tables: [file's name, what the tables call it, whether it is ours]. */
const LIST = [
  ['node-http', 'node:http', false],
  ['fastify', 'fastify', false],
  ['uwebsockets', 'uWebSockets.js', false],
  ['ours-sync', 'millrace, sync handler', true],
  ['ours-async', 'millrace, async handler', true],
  ['ours-fetch', 'millrace, fetch handler', true],
  ['ours-fetch-platform', "millrace, fetch handler, platform's Response", true],
];

/** The server that the others are compared with. */
export const REFERENCE = 'uwebsockets';

/** Every server: { name, title, unavailable }, where the last says why it cannot be measured, or is null. */
export const servers = () => LIST.map(([name, title, ours]) => ({ name, title, unavailable: ours ? missing() : null }));

/** Starts a server; `node` holds arguments for Node itself. */
export const startServer = (name, { node } = {}) => startProgram(import.meta.url, name, { node });

/**
 * Throws unless a server answers every route as answers.mjs says: nobody is measured for less work. The answer lists what
 * is right but different: an answer whose length is not announced (a platform Response has none to give) is chunked.
 */
export async function verify(server) {
  const upload = { headers: { 'Content-Type': 'application/octet-stream' }, body: Buffer.alloc(UPLOAD_BYTES, 1) };
  const expected = [
    ['GET', '/', 'text/plain', Buffer.from(TEXT)],
    ['GET', '/json', 'application/json', Buffer.from(JSON.stringify(DOCUMENT))],
    ['POST', '/upload', 'text/plain', Buffer.from(String(UPLOAD_BYTES)), upload],
    ['GET', '/big', 'application/octet-stream', BIG],
  ];
  const chunked = [];
  for (const [method, path, type, wanted, more] of expected) {
    const got = await ask(server.url(path), { method, ...more });
    const length = got.headers['content-length'];
    const wrong =
      (got.status !== 200 && `status ${got.status}`) ||
      (!got.headers['content-type']?.startsWith(type) && `content-type ${got.headers['content-type']}`) ||
      (length !== undefined && length !== String(wanted.length) && `content-length ${length}`) ||
      (!got.body.equals(wanted) && `other bytes (${got.body.length})`);
    if (wrong) throw new Error(`${server.name} answers ${method} ${path} wrongly: ${wrong}`);
    if (length === undefined) chunked.push(path);
  }
  return chunked.length ? [`sends ${chunked.join(', ')} chunked, without a Content-Length`] : [];
}
