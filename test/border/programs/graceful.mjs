// Two servers and gracefulShutdown. Arguments: its options as JSON. It says what happens on its output; /slow answers
// when the line `answer` comes on its input.
import { createInterface } from 'node:readline';
import { gracefulShutdown, serve, setLogger } from '../../../dist/index.mjs';

const options = JSON.parse(process.argv[2] ?? '{}');
setLogger(null);
const say = (text) => process.stdout.write(`${text}\n`);
const waiting = [];
const handler = (req, res) => {
  if (req.path !== '/slow') return res.end('fast');
  waiting.push(res);
  say('asked');
};
const servers = [await serve({ port: 0, host: '127.0.0.1', handler }), await serve({ port: 0, host: '127.0.0.1', handler })];
if (options.unclosable) servers.push({ close: () => Promise.reject(new Error('on purpose')) });
const dispose = gracefulShutdown(servers, {
  ...options,
  unclosable: undefined,
  ...(options.hook ? { onSignal: (signal) => say(`onSignal ${signal}`) } : {}),
  hook: undefined,
});
for (const server of servers.slice(0, 2)) server.once('close', () => say('closed'));
process.on('exit', () => say('exit'));
const lines = createInterface({ input: process.stdin });
process.stdin.unref();
lines.on('line', (line) => {
  if (line === 'answer') for (const res of waiting) res.end('slow');
  if (line === 'dispose') {
    dispose();
    say('disposed');
  }
  if (line === 'handlers') say(`handlers ${process.listenerCount('SIGTERM')} ${process.listenerCount('SIGINT')}`);
});
say(`ports ${servers[0].port} ${servers[1].port}`);
