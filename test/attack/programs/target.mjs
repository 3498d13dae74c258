// The server under attack, in a process of its own. Argument: the options of serve() as JSON. Its parent asks by messages.
import { readdirSync } from 'node:fs';
import { heldMemory, metrics, serve, serveStatic, setLogger } from '../../../dist/index.mjs';
import { census } from '../../border/programs/lib/native.mjs';

const { folder, tunnels, ...options } = JSON.parse(process.argv[2]);
/** More than the kernel's buffers of both sides take; one for all. */
const LARGE = Buffer.alloc(32 << 20, 'x');
const PAGE = Buffer.alloc(12 << 10, 'x');

const files = folder === undefined ? undefined : serveStatic(folder);
const ROUTES = {
  '/large': (_req, res) => void res.end(LARGE),
  '/page': (_req, res) => void res.end(PAGE),
  // Says that it runs, and nothing else.
  '/never': (_req, res) => void res.writeProcessing(),
  '/collect': async (req, res) => {
    res.writeProcessing();
    res.end(String((await req.bytes()).length));
  },
  '/stream': async (req, res) => {
    let length = 0;
    for await (const chunk of req) length += chunk.length;
    res.end(String(length));
  },
  '/ignore': (_req, res) => void res.end('ignored'),
};

async function handler(req, res) {
  const route = ROUTES[req.path];
  if (route === undefined) return files === undefined || req.path === '/' ? res.end('fine') : files(req, res);
  await route(req, res);
}

async function echo(_req, socket, head) {
  socket.write('HTTP/1.1 200 OK\r\n\r\n');
  socket.write(head);
  try {
    for await (const bytes of socket) socket.write(bytes);
    await socket.end();
  } catch {
    // The client has cut its tunnel.
  }
}

setLogger(null);
const server = await serve({
  host: '127.0.0.1',
  port: 0,
  handler,
  ...options,
  ...(tunnels ? { onConnect: echo } : {}),
});

const ANSWERS = {
  look: () => ({ census: census(), held: heldMemory(), accepted: server.stats().connections.accepted }),
  facts: () => {
    globalThis.gc?.();
    return {
      census: census(),
      descriptors: readdirSync('/proc/self/fd').length,
      stats: server.stats(),
      counters: metrics.snapshot().counters,
      held: heldMemory(),
    };
  },
};
// Nobody asks any more.
process.on('disconnect', () => process.exit());
process.on('message', (what) => process.send(ANSWERS[what]()));
process.send({ port: server.port });
