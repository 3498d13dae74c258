/** The demo page and the routes to try. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';

import { metrics, OPENMETRICS_CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE } from '../../index.js';
import type { ServerRequest, ServerResponse } from '../../index.js';
import type { FeedMessage, History } from './sampler.js';
import { MAX_SAMPLES } from './sampler.js';

const LINES = 25;
const LINE_INTERVAL_MS = 200;
const MAX_VIEWERS = 256;
const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:";

/** The page with its style in it: one answer, which loads nothing else. */
function page(): string {
  const read = (name: string): string => readFileSync(join(__dirname, name), 'utf8');
  return read('page.html').replace('/* page.css */', () => read('page.css'));
}

/** One demo server: the page, its feed and its routes. It shows what it is fed. */
export class Demo {
  private readonly _page = page();
  private readonly _viewers = new Set<Viewer>();
  private _history: History | undefined;
  private _proxy: FeedMessage | undefined;

  /** Answers a request. */
  handle(req: ServerRequest, res: ServerResponse): unknown {
    const { method, path } = req;
    const isRead = method === 'GET' || method === 'HEAD';
    if (path === '/json' && isRead) {
      res.setHeader('Content-Type', 'application/json');
      res.end(`{"hello":"world","thread":${threadId},"time":${Date.now()}}\n`);
      return;
    }
    res.setHeader('X-Content-Type-Options', 'nosniff');
    switch (path) {
      case '/':
        return isRead ? this.sendPage(res) : refuseMethod(res, 'GET, HEAD');
      case '/json':
        return refuseMethod(res, 'GET, HEAD');
      case '/echo':
        return method === 'POST' ? echo(req, res) : refuseMethod(res, 'POST');
      case '/stream':
        return method === 'GET' ? stream(res) : refuseMethod(res, 'GET');
      case '/stats':
        return method === 'GET' ? this.watch(res) : refuseMethod(res, 'GET');
      case '/metrics':
        return isRead ? expose(req, res) : refuseMethod(res, 'GET, HEAD');
      default:
        return refuse(res, 404, 'There is nothing here; the page at / lists what there is.');
    }
  }

  /** Keeps what the next viewers begin with, and shows it to the present ones. */
  publish(message: FeedMessage): void {
    if (message.event === 'history') {
      // A copy: within one thread the sampler goes on with its own.
      this._history = { facts: message.data.facts, samples: [...message.data.samples] };
    } else if (message.event === 'proxy') {
      this._proxy = message;
    } else if (this._history !== undefined) {
      const { samples } = this._history;
      samples.push(message.data);
      if (samples.length > MAX_SAMPLES) samples.shift();
    }
    const text = eventText(message);
    for (const viewer of this._viewers) viewer.show(text);
  }

  /** Ends the feeds, which would keep a graceful stop waiting. */
  close(): void {
    for (const viewer of this._viewers) viewer.end();
    this._viewers.clear();
  }

  private sendPage(res: ServerResponse): void {
    res.setHeader('Content-Type', 'text/html; charset=utf-8');
    res.setHeader('Content-Security-Policy', PAGE_POLICY);
    res.setHeader('Cache-Control', 'no-cache');
    res.end(this._page);
  }

  private watch(res: ServerResponse): void {
    if (this._viewers.size >= MAX_VIEWERS) return refuse(res, 503, 'Too many are watching.');
    res.setHeader('Content-Type', 'text/event-stream');
    res.setHeader('Cache-Control', 'no-store');
    const viewer = new Viewer(res);
    this._viewers.add(viewer);
    res.on('close', () => this._viewers.delete(viewer));
    viewer.show('retry: 1000\n\n');
    if (this._history !== undefined) viewer.show(eventText({ event: 'history', data: this._history }));
    if (this._proxy !== undefined) viewer.show(eventText(this._proxy));
  }
}

/** One that reads the feed. Who reads too slowly misses samples and holds no memory. */
class Viewer {
  private _isFull = false;

  constructor(private readonly _res: ServerResponse) {
    _res.on('drain', () => (this._isFull = false));
  }

  show(text: string): void {
    if (!this._isFull) this._isFull = !this._res.write(text);
  }

  end(): void {
    this._res.end();
  }
}

function eventText({ event, data }: FeedMessage): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Sends the body back while it arrives; as plain text, whatever it claims to be, since it comes from anybody. */
async function echo(req: ServerRequest, res: ServerResponse): Promise<void> {
  res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  for await (const chunk of req) {
    if (!res.write(chunk)) await res.drained();
    if (res.closed) return;
  }
  res.end();
}

/** The metrics of the process, as the scraper asked for them. */
function expose(req: ServerRequest, res: ServerResponse): void {
  const openMetrics = req.headers.get('accept')?.includes('application/openmetrics-text') === true;
  res.setHeader('Content-Type', openMetrics ? OPENMETRICS_CONTENT_TYPE : PROMETHEUS_CONTENT_TYPE);
  res.setHeader('Cache-Control', 'no-store');
  res.end(metrics.toPrometheus({ openMetrics }));
}

async function stream(res: ServerResponse): Promise<void> {
  res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  res.setHeader('Cache-Control', 'no-store');
  for (let line = 1; line <= LINES && !res.closed; line++) {
    if (line > 1) await after(LINE_INTERVAL_MS);
    if (!res.write(`line ${line} of ${LINES}\n`)) await res.drained();
  }
  res.end();
}

function refuseMethod(res: ServerResponse, allowed: string): void {
  res.setHeader('Allow', allowed);
  refuse(res, 405, `Only ${allowed} here.`);
}

function refuse(res: ServerResponse, status: number, text: string): void {
  res.statusCode = status;
  res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  res.end(`${text}\n`);
}
