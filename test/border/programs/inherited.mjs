// A server on descriptor 3, which the parent made. Argument: listener, raw (of connections without HTTP) or connection. Says "ready", ends with its input.
import { openSync } from 'node:fs';
import { createRequire } from 'node:module';

const { listen, serve } = createRequire(import.meta.url)('../../../dist/index.js');
const handler = (req, res) => res.end(`${req.method} ${req.url}`);
const listens = process.argv[2] === 'listener';
const raw = async (socket) => {
  for await (const chunk of socket) socket.write(`raw ${chunk.length}`);
  await socket.end();
};
if (process.argv[2] === 'raw') {
  const listener = await listen({ fd: 3 }, raw);
  process.stdout.write(`${JSON.stringify({ port: listener.port, errors: [] })}\n`);
  process.stdin.on('end', () => listener.close()).resume();
} else await http();

async function http() {
  const server = await serve(listens ? { fd: 3, handler } : { path: '@millrace-inherited-' + process.pid, handler });
  const errors = [];
  const attempt = (run) => {
    try {
      run();
    } catch (error) {
      errors.push(`${error.name} ${error.code} ${error.cause?.code ?? ''}`.trim());
    }
  };
  attempt(() => server.adopt(openSync('/dev/null', 'r')));
  attempt(() => server.adopt(-1));
  attempt(() => server.adopt(9_999));
  if (!listens) server.adopt(3);
  process.stdout.write(`${JSON.stringify({ port: server.port, errors })}\n`);
  process.stdin.on('end', () => server.close()).resume();
}
