/** The program of one worker thread of `millrace proxy --workers`. */
import { parentPort, workerData } from 'node:worker_threads';

import type { Level, ProxyServerOptions } from '../index.js';
import { setLevel } from '../index.js';
import { proxyComplaint } from './proxy-complaint.js';
import { joinProxy, openProxy, placeOf } from './open-proxy.js';
import type { FromWorker, ToWorker, WorkerPlace } from './workers.js';

/** What a thread is told besides its place. */
export interface ProxyOrders {
  options: ProxyServerOptions;
  level: Level | undefined;
}

const TELL_MS = 200;
const { options, level, port, threads } = workerData as WorkerPlace & ProxyOrders;

function tell(message: FromWorker): void {
  parentPort?.postMessage(message);
}

async function main(): Promise<void> {
  if (level !== undefined) setLevel(level);
  const { proxy, moved } =
    port === undefined ? await openProxy(options, threads) : { proxy: await joinProxy(options, port), moved: '' };
  tell({ type: 'listening', port: proxy.port, url: placeOf(proxy), moved });
  const timer = setInterval(() => tell({ type: 'stats', stats: proxy.stats() }), TELL_MS);
  parentPort?.on('message', (message: ToWorker) => {
    if (message.type !== 'close') return;
    void proxy.close({ timeout: message.timeout }).then(({ forced }) => {
      clearInterval(timer);
      tell({ type: 'stats', stats: proxy.stats() });
      tell({ type: 'closed', forced });
    });
  });
}

main().catch((error: unknown) => {
  tell({ type: 'failed', message: proxyComplaint(error).message });
  process.exit(1);
});
