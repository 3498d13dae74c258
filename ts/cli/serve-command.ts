import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';

import type { Server } from '../index.js';
import type { Job } from './job.js';
import { listen } from './job.js';
import { UsageError } from './usage-error.js';

export const SERVE_HELP = `Usage: millrace serve [dir | module] [options]

Serves the files of a folder (this one unless named), or a module that exports a handler:
\`handler(req, res)\` or \`fetch(request)\`, as names or as its default export.

Options:
  -p, --port <n>      the port (3000; without this option the next free one when it is taken)
      --host <name>   the address or name to listen on (every address)
  -w, --workers <n>   worker threads, each with a server on the same port (1: none, the main thread serves)
      --demo          serve the demo page, live statistics and routes to try
`;

const DEFAULT_PORT = 3000;
const DRAIN_MS = 10_000;
const RESTART_MS = 500;

/** Runs until a signal: the first drains, the second ends at once. */
export async function serveCommand(words: string[]): Promise<void> {
  const { job, workers, asked } = parse(words);
  let url: string;
  let close: () => Promise<unknown>;
  if (workers > 1) {
    ({ url, close } = await startWorkers(job, workers, asked));
  } else {
    const server = await listenSomewhere(job, asked);
    url = server.url;
    close = () => server.close({ timeout: DRAIN_MS });
  }
  process.stdout.write(`millrace serves ${job.demo ? 'its demo page' : job.what} at ${url}\n`);
  let signals = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      signals += 1;
      if (signals > 1) process.exit(128 + (signal === 'SIGINT' ? 2 : 15));
      void close().then(() => process.exit(0));
    });
  }
}

function parse(words: string[]): { job: Job; workers: number; asked: boolean } {
  let parsed;
  try {
    parsed = parseArgs({
      args: words,
      allowPositionals: true,
      options: {
        port: { type: 'string', short: 'p' },
        host: { type: 'string' },
        workers: { type: 'string', short: 'w', default: '1' },
        demo: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (positionals.length > 1) throw new UsageError(`serve takes one folder or module, got ${positionals.length}`);
  const what = resolve(positionals[0] ?? '.');
  const kind = statSync(what, { throwIfNoEntry: false });
  if (kind === undefined) throw new UsageError(`there is no ${what}`);
  const job: Job = {
    what,
    isFolder: kind.isDirectory(),
    port: values.port === undefined ? DEFAULT_PORT : whole('port', values.port, 0, 65_535),
    host: values.host,
    demo: values.demo,
    reusePort: false,
  };
  return { job, workers: whole('workers', values.workers, 1, 256), asked: values.port !== undefined };
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`--${name} must be an integer from ${min} to ${max}, got "${text}"`);
}

/** On the port; on any free one when it is taken and nobody asked for it. */
async function listenSomewhere(job: Job, asked: boolean): Promise<Server> {
  try {
    return await listen(job);
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause;
    if (asked || cause?.code !== 'EADDRINUSE') throw error;
    process.stderr.write(`millrace: port ${job.port} is taken, using a free one\n`);
    return listen({ ...job, port: 0 });
  }
}

/** One server per worker thread on one port; a worker that dies is replaced. */
async function startWorkers(
  job: Job,
  count: number,
  asked: boolean,
): Promise<{ url: string; close: () => Promise<void> }> {
  // The port is settled here, so that every worker has the same one.
  const probe = await listenSomewhere({ ...job, reusePort: true }, asked);
  const { port, url } = probe;
  const workers = new Set<Worker>();
  let closing = false;
  const start = (): Promise<void> => {
    const worker = new Worker(require.resolve('./worker.js'), { workerData: { ...job, port, reusePort: true } });
    workers.add(worker);
    worker.on('error', (error) => process.stderr.write(`millrace: a worker failed: ${String(error)}\n`));
    worker.on('exit', () => {
      workers.delete(worker);
      if (!closing) setTimeout(() => void start(), RESTART_MS);
    });
    return new Promise((ready) => worker.once('message', () => ready()));
  };
  await Promise.all(Array.from({ length: count }, start));
  await probe.close({ timeout: DRAIN_MS });
  return {
    url,
    close: async () => {
      closing = true;
      const gone = [...workers].map((worker) => new Promise((done) => worker.once('exit', done)));
      for (const worker of workers) worker.postMessage('close');
      await Promise.all(gone);
    },
  };
}
