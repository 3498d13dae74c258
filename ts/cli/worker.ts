/** A worker thread of `millrace serve --workers`. */
import { parentPort, workerData } from 'node:worker_threads';

import type { Job } from './job.js';
import { listen } from './job.js';

void listen(workerData as Job).then((server) => {
  parentPort?.postMessage('ready');
  parentPort?.once('message', () => void server.close({ timeout: 10_000 }).then(() => parentPort?.close()));
});
