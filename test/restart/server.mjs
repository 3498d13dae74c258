// The program that is restarted. Arguments: its options as JSON, { port } or { fd }, and `generation`. Says
// `{"ready":PORT}`; SIGTERM ends it by gracefulShutdown. SIGUSR2 makes it start its successor on its own listener, and
// end when that is ready.
//   GET /                                a few bytes, the generation among them
//   POST /                               says how many bytes came
//   GET /long                            2 MiB
import { spawn } from 'node:child_process';
import { gracefulShutdown, serve, setLogger } from '../../dist/index.mjs';

const LONG = 2 << 20;
const { generation, ...listen } = JSON.parse(process.argv[2] ?? '{}');
setLogger(null);

const server = await serve({
  ...listen,
  // The slow clients are slow by intention.
  minReceiveRate: 0,
  minSendRate: 0,
  async handler(req, res) {
    if (req.method === 'POST') {
      let size = 0;
      for await (const chunk of req) size += chunk.length;
      return res.end(String(size));
    }
    if (req.path === '/long') return res.end('x'.repeat(LONG));
    return res.end(`generation ${generation}`);
  },
});
gracefulShutdown(server, { timeout: 20_000 });

process.once('SIGUSR2', () => {
  const options = JSON.stringify({ fd: 3, generation: generation + 1 });
  const stdio = ['ignore', 'inherit', 'inherit', server.handOver(), 'ipc'];
  const successor = spawn(process.execPath, [process.argv[1], options], { stdio });
  successor.once('message', () => {
    successor.disconnect();
    process.kill(process.pid, 'SIGTERM');
  });
  successor.unref();
});

process.stdout.write(`${JSON.stringify({ ready: server.port, generation, pid: process.pid })}\n`);
process.send?.('ready');
