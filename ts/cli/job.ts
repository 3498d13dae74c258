import { pathToFileURL } from 'node:url';

import type { ServeOptions, Server } from '../index.js';
import { serve } from '../index.js';
import { demoHandler } from './demo/handler.js';
import { fileHandler } from './file-handler.js';
import { UsageError } from './usage-error.js';

/** What one server of the command line is to do; it crosses to worker threads. */
export interface Job {
  /** The folder or module. */
  what: string;
  isFolder: boolean;
  port: number;
  host: string | undefined;
  demo: boolean;
  reusePort: boolean;
}

type Handlers = Pick<ServeOptions, 'handler' | 'fetch'>;

/** Listens as the job says. */
export async function listen(job: Job): Promise<Server> {
  const { port, host, reusePort } = job;
  const handlers = job.demo
    ? { handler: demoHandler() }
    : job.isFolder
      ? { handler: fileHandler(job.what) }
      : await fromModule(job.what);
  return serve({ port, host, reusePort, ...handlers } as ServeOptions);
}

async function fromModule(path: string): Promise<Handlers> {
  const loaded = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  const inner = loaded.default;
  for (const from of [loaded, typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {}]) {
    if (typeof from.handler === 'function') return { handler: from.handler as ServeOptions['handler'] };
    if (typeof from.fetch === 'function') return { fetch: from.fetch as ServeOptions['fetch'] };
  }
  if (typeof inner === 'function') return { handler: inner as ServeOptions['handler'] };
  throw new UsageError(`${path} exports neither handler(req, res) nor fetch(request)`);
}
