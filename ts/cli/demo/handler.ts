import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { ServerRequest, ServerResponse } from '../../index.js';
import { abiVersion, features, metrics, version } from '../../index.js';

const TICK_MS = 1_000;
const REQUESTS = 'millrace_http_server_requests_total';
const LATENCY = 'millrace_http_server_request_duration_seconds';

/** One reading of the whole process, all worker threads together. */
interface Reading {
  at: number;
  requests: number;
  cpu: NodeJS.CpuUsage;
}

function read(): Reading {
  return { at: performance.now(), requests: metrics.snapshot().counters[REQUESTS], cpu: process.cpuUsage() };
}

/** What the page is sent every second. */
function report(before: Reading, now: Reading): object {
  const { counters, gauges, histograms } = metrics.snapshot();
  const seconds = (now.at - before.at) / 1_000;
  const requests = now.requests - before.requests;
  const perRequest = (micros: number): number => (requests === 0 ? 0 : micros / requests);
  const latency = histograms[LATENCY];
  return {
    requestsPerSecond: requests / seconds,
    cpuUser: perRequest(now.cpu.user - before.cpu.user),
    cpuSystem: perRequest(now.cpu.system - before.cpu.system),
    busy: (now.cpu.user - before.cpu.user + now.cpu.system - before.cpu.system) / 1e6 / seconds,
    connections: gauges.millrace_http_server_connections,
    running: gauges.millrace_http_server_requests,
    threads: gauges.millrace_reactor_threads,
    total: now.requests,
    received: counters.millrace_sockets_received_bytes_total,
    sent: counters.millrace_sockets_sent_bytes_total,
    p50: latency.p50 * 1e3,
    p90: latency.p90 * 1e3,
    p99: latency.p99 * 1e3,
    uptime: process.uptime(),
    memory: process.memoryUsage.rss(),
  };
}

/** Server-sent events until the client goes. */
function stats(req: ServerRequest, res: ServerResponse): void {
  res.setHeader('Content-Type', 'text/event-stream').setHeader('Cache-Control', 'no-store');
  let before = read();
  const send = (): void => {
    const now = read();
    res.write(`data: ${JSON.stringify(report(before, now))}\n\n`);
    before = now;
  };
  res.write('retry: 1000\n\n');
  const timer = setInterval(send, TICK_MS);
  req.signal.addEventListener('abort', () => {
    clearInterval(timer);
    res.end();
  });
}

/** A line every 200 ms. */
async function stream(req: ServerRequest, res: ServerResponse): Promise<void> {
  res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  for (let line = 1; line <= 10 && !req.signal.aborted; line++) {
    res.write(`line ${line} of 10\n`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  res.end();
}

async function echo(req: ServerRequest, res: ServerResponse): Promise<void> {
  res.setHeader('Content-Type', req.headers.get('content-type') ?? 'application/octet-stream');
  for await (const chunk of req) {
    if (!res.write(chunk)) await res.drained();
  }
  res.end();
}

/** The handler of `npm start`: the page, its statistics, and routes to try. */
export function demoHandler(): (req: ServerRequest, res: ServerResponse) => unknown {
  const facts = {
    version: version(),
    abi: abiVersion(),
    node: process.version,
    platform: features().platform,
    poller: features().poller,
  };
  const page = readFileSync(join(__dirname, 'page.html'), 'utf8').replace(/(['"])FACTS\1/, () => JSON.stringify(facts));
  return (req, res) => {
    switch (req.path) {
      case '/':
        return res.setHeader('Content-Type', 'text/html; charset=utf-8').end(page);
      case '/json':
        return res
          .setHeader('Content-Type', 'application/json')
          .end(JSON.stringify({ hello: 'world', at: Date.now() }));
      case '/echo':
        if (req.method === 'POST' || req.method === 'PUT') return echo(req, res);
        res.statusCode = 405;
        return res.setHeader('Allow', 'POST, PUT').end();
      case '/stream':
        return stream(req, res);
      case '/stats':
        return stats(req, res);
      default:
        res.statusCode = 404;
        return res.setHeader('Content-Type', 'text/plain; charset=utf-8').end('404\n');
    }
  };
}
