/** The program of one worker thread of `millrace serve --workers`. */
import { parentPort, workerData } from 'node:worker_threads';

import type { Server } from '../index.js';
import { complaintOf } from './complaint.js';
import { Demo } from './demo/demo.js';
import { joinTarget, openTarget } from './open-target.js';
import type { Target } from './target.js';
import { handlersOf } from './target.js';
import type { FromWorker, ToWorker, WorkerPlace } from './workers.js';

const { target, host, port, asked, threads } = workerData as WorkerPlace & { target: Target };
const demo = target.kind === 'demo' ? new Demo() : undefined;

function tell(message: FromWorker): void {
  parentPort?.postMessage(message);
}

async function listen(): Promise<Server> {
  const options = await handlersOf(target, demo);
  if (port !== undefined) return joinTarget(options, { port, host });
  const { server, moved } = await openTarget(options, { port: asked, host, threads });
  tell({ type: 'listening', port: server.port, url: server.url, moved });
  return server;
}

async function main(): Promise<void> {
  const server = await listen();
  if (port !== undefined) tell({ type: 'listening', port: server.port, url: server.url, moved: '' });
  parentPort?.on('message', (message: ToWorker) => {
    if (message.type === 'feed') {
      demo?.publish(message.message);
      return;
    }
    demo?.close();
    void server.close({ timeout: message.timeout }).then(() => tell({ type: 'closed' }));
  });
}

main().catch((error: unknown) => {
  tell({ type: 'failed', message: complaintOf(error).message });
  process.exit(1);
});
