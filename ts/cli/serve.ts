/** `millrace serve`: a folder, a module or the demo page on a port, in this thread or in several. */

import { integer, parsed } from './command-line.js';
import { Complaint, complaintOf } from './complaint.js';
import { Demo } from './demo/demo.js';
import { ProxyWatch } from './demo/proxy-watch.js';
import { Sampler } from './demo/sampler.js';
import { DEFAULT_HOST, openTarget } from './open-target.js';
import { untilSignal } from './signals.js';
import type { Target } from './target.js';
import { findTarget, handlersOf } from './target.js';
import { Workers } from './workers.js';

/** The help of this command. */
export const SERVE_HELP = `  millrace serve [folder | module] [options]

    A folder (by default this one) is served as files; a module exports a handler: \`handler(req, res)\`,
    \`fetch(request)\`, or a function by default, which is taken for \`fetch\`; and, if it likes, \`options\` of serve().

    --port P       the port; 3000 unless given, or a free one when that is taken
    --host H       the address to listen on; ${DEFAULT_HOST} unless given, 0.0.0.0 for everybody
    --workers N    N threads, each with a server of its own on the same port; one that dies is replaced
    --demo         a page that shows what is running, live, and a proxy beside it
`;

/** What the command line said. */
interface Arguments {
  given: string | undefined;
  port: number | undefined;
  host: string | undefined;
  workers: number;
  demo: boolean;
}

/** What runs, whatever runs it. */
interface Running {
  readonly url: string;
  readonly note: string;
  close(timeout: number): Promise<void>;
}

/** Runs `millrace serve`; resolves when it answers. */
export async function serveCommand(args: string[]): Promise<void> {
  const { given, port, host, workers, demo } = readArguments(args);
  const target = findTarget(given, demo);
  const place = { port, host };
  const parts: { close(timeout: number): Promise<void> }[] = [];
  let page: Sampler | undefined;
  try {
    if (demo) {
      const proxy = await ProxyWatch.start();
      parts.push(proxy);
      page = new Sampler(Math.max(1, workers), proxy);
    }
    const running = await (workers > 0 ? runWorkers(target, place, workers, page) : runHere(target, place, page));
    parts.push(running);
    console.log(`millrace: serving ${target.name} at ${running.url}${running.note}`);
    if (page !== undefined && target.kind !== 'demo') {
      const beside = await runHere({ kind: 'demo', name: 'the demo page' }, { port: 0, host }, page);
      parts.push(beside);
      console.log(`millrace: what it does shows at ${beside.url}`);
    }
    page?.start();
  } catch (error) {
    await Promise.all(parts.map((part) => part.close(0)));
    throw complaintOf(error);
  }
  untilSignal(async (timeout) => {
    page?.stop();
    await Promise.all(parts.map((part) => part.close(timeout)));
  });
}

function readArguments(args: string[]): Arguments {
  const { values, positionals } = parse(args);
  if (positionals.length > 1) throw new Complaint(`one folder or module can be served, got ${positionals.length}`, 2);
  return {
    given: positionals[0],
    port: values.port === undefined ? undefined : integer('--port', values.port, 0, 65_535),
    host: values.host,
    workers: values.workers === undefined ? 0 : integer('--workers', values.workers, 1, 256),
    demo: values.demo,
  };
}

function parse(args: string[]) {
  return parsed(
    {
      args,
      allowPositionals: true,
      options: {
        port: { type: 'string', short: 'p' },
        host: { type: 'string' },
        workers: { type: 'string', short: 'w' },
        demo: { type: 'boolean', default: false },
      },
    },
    (said) => `${said}\nmillrace --help lists what there is`,
  );
}

async function runHere(target: Target, place: Place, page: Sampler | undefined): Promise<Running> {
  const demo = target.kind === 'demo' ? new Demo() : undefined;
  const { server, moved } = await openTarget(await handlersOf(target, demo), { ...place, threads: 1 });
  if (demo !== undefined) page?.feed((message) => demo.publish(message));
  return {
    url: server.url,
    note: moved,
    close: async (timeout) => {
      demo?.close();
      await server.close({ timeout });
    },
  };
}

async function runWorkers(target: Target, place: Place, count: number, page: Sampler | undefined): Promise<Running> {
  const workers = await Workers.start({ program: 'worker.js', data: { target } }, place, count);
  if (target.kind === 'demo') page?.feed((message) => workers.publish(message));
  return {
    url: workers.url,
    note: ` on ${count} ${count === 1 ? 'thread' : 'threads'}${workers.moved}`,
    close: (timeout) => workers.close(timeout),
  };
}

type Place = Pick<Arguments, 'port' | 'host'>;
