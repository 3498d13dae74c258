// A server on descriptor 3, which the parent made. Argument: listener or connection. Says "ready", ends with its input.
import { openSync } from 'node:fs';
import { createRequire } from 'node:module';

const { serve } = createRequire(import.meta.url)('../../../dist/index.js');
const handler = (req, res) => res.end(`${req.method} ${req.url}`);
const listens = process.argv[2] === 'listener';
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
