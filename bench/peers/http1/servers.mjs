// The servers that are compared, one file each, and how one is run.
import { get, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { Dialogue } from '../../measure/dialogue.mjs';
import { cores } from '../../measure/machine.mjs';
import { BIG, DOCUMENT, TEXT, UPLOAD_BYTES } from './answers.mjs';
import { missing } from './millrace.mjs';

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

/** Starts a server pinned to its core; `node` holds arguments for Node itself. */
export async function startServer(name, { node = [] } = {}) {
  const file = fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
  const child = new Dialogue(cores.server, process.execPath, [...node, file]);
  try {
    const port = Number(await child.hear('listening', 15_000));
    return { name, child, pid: child.pid, port, url: (path) => `http://127.0.0.1:${port}${path}` };
  } catch (error) {
    await child.stop();
    throw new Error(`${name}: ${error.message}`, { cause: error });
  }
}

function answer(method, url, body) {
  return new Promise((resolve, reject) => {
    const heard = (res) => {
      const chunks = [];
      res.on('data', (chunk) => chunks.push(chunk)).once('error', reject);
      res.once('end', () => resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks) }));
    };
    const options = {
      agent: false,
      timeout: 5_000,
      headers: body ? { 'Content-Type': 'application/octet-stream' } : {},
    };
    const sent = method === 'GET' ? get(url, options, heard) : request(url, { ...options, method }, heard).end(body);
    sent.once('error', reject).once('timeout', () => sent.destroy(new Error(`no answer from ${url}`)));
  });
}

/**
 * Throws unless a server answers every route as answers.mjs says: nobody is measured for less work. The answer lists what
 * is right but different: an answer whose length is not announced (a platform Response has none to give) is chunked.
 */
export async function verify(server) {
  const expected = [
    ['GET', '/', 'text/plain', Buffer.from(TEXT)],
    ['GET', '/json', 'application/json', Buffer.from(JSON.stringify(DOCUMENT))],
    ['POST', '/upload', 'text/plain', Buffer.from(String(UPLOAD_BYTES)), Buffer.alloc(UPLOAD_BYTES, 1)],
    ['GET', '/big', 'application/octet-stream', BIG],
  ];
  const chunked = [];
  for (const [method, path, type, wanted, body] of expected) {
    const got = await answer(method, server.url(path), body);
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
