// A server whose process counts the signals it is given. Says its port; a line on its input makes it say what came:
// SIGPIPE, SIGUSR2, and whether masks and handlers of all threads are as before the server began.
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { serve, setLogger } from '../../../dist/index.mjs';

setLogger(null);
const counts = { SIGPIPE: 0, SIGUSR2: 0 };
for (const signal of Object.keys(counts)) process.on(signal, () => counts[signal]++);
const masks = () =>
  readdirSync('/proc/self/task')
    .map((task) => `${task} ${readFileSync(`/proc/self/task/${task}/status`, 'utf8').match(/^Sig(Cgt|Ign|Blk):.*$/gm)}`)
    .join('\n');
// Node.js starts its thread pool when it is first used: by the file that is served.
readFileSync(process.execPath).subarray(0, 1);
await new Promise((resolve) => setImmediate(resolve));

const big = 'x'.repeat(4 << 20);
const before = masks().split('\n');
const server = await serve({
  port: 0,
  host: '127.0.0.1',
  handler(req, res) {
    if (req.path === '/big') return res.end(big);
    if (req.path === '/file') return res.send({ file: process.execPath });
    return res.end('ok');
  },
});
createInterface({ input: process.stdin })
  .on('line', () => {
    // Threads that Node.js has made since are its own.
    const after = new Set(masks().split('\n'));
    console.log(JSON.stringify({ ...counts, same: before.every((line) => after.has(line)) }));
  })
  .on('close', () => process.exit(0));
console.log(JSON.stringify({ port: server.port }));
