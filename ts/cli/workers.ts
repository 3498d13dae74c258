/** Several threads that serve one target on one port. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import type { ProxyServerStats } from '../index.js';
import { Complaint } from './complaint.js';
import type { FeedMessage } from './demo/sampler.js';

/** What threads do: the program of each, and what it is told besides its place. */
export interface Job {
  readonly program: 'worker.js' | 'proxy-worker.js';
  readonly data: object;
}

/** Where a thread listens. */
export interface WorkerPlace {
  host: string | undefined;
  /** The port to join; undefined for the first thread, which finds one by `asked`. */
  port: number | undefined;
  asked: number | undefined;
  threads: number;
}

/** What a thread is told. */
export type ToWorker = { type: 'close'; timeout: number } | { type: 'feed'; message: FeedMessage };

/** What a thread tells. */
export type FromWorker =
  | { type: 'listening'; port: number; url: string; moved: string }
  | { type: 'failed'; message: string }
  | { type: 'stats'; stats: ProxyServerStats }
  | { type: 'closed'; forced?: number };

const FIRST_DELAY_MS = 100;
const LAST_DELAY_MS = 10_000;
/** A thread that ran this long was not broken from the start. */
const HEALTHY_MS = 10_000;
/** Beyond its own deadline, for a thread whose event loop hangs. */
const MERCY_MS = 1_000;

/** Threads with a server each, or a proxy. One that dies is replaced, after a delay that doubles while they die young. */
export class Workers {
  url = '';
  moved = '';
  /** What each thread has said of itself last, those included that are gone. */
  readonly stats: (ProxyServerStats | null)[] = [];
  /** What had to be cut when they closed. */
  forced = 0;
  private _port = 0;
  private _isClosing = false;
  private readonly _running = new Set<Worker>();
  private readonly _timers = new Set<NodeJS.Timeout>();
  private _history: FeedMessage | undefined;

  private constructor(
    private readonly _job: Job,
    private readonly _place: { port: number | undefined; host: string | undefined },
    private readonly _count: number,
  ) {}

  /** Resolves when all threads listen; rejects, with none left running, when one cannot. */
  static async start(
    job: Job,
    place: { port: number | undefined; host: string | undefined },
    count: number,
  ): Promise<Workers> {
    const workers = new Workers(job, place, count);
    try {
      // The first one finds the port that the others join.
      await workers.launch(true, FIRST_DELAY_MS);
      await Promise.all(Array.from({ length: count - 1 }, () => workers.launch(false, FIRST_DELAY_MS)));
      return workers;
    } catch (error) {
      workers._isClosing = true;
      await Promise.all([...workers._running].map((worker) => worker.terminate()));
      throw error;
    }
  }

  /** Sends what the demo page shows to every thread. */
  publish(message: FeedMessage): void {
    if (message.event === 'history') this._history = message;
    for (const worker of this._running) tell(worker, { type: 'feed', message });
  }

  /** Closes all servers gracefully, then ends the threads. */
  async close(timeout: number): Promise<void> {
    this._isClosing = true;
    for (const timer of this._timers) clearTimeout(timer);
    await Promise.all([...this._running].map((worker) => closeOne(worker, timeout)));
  }

  /** Starts a thread; resolves when it listens. Its later death brings the next. */
  private launch(isFirst: boolean, delay: number): Promise<void> {
    const orders: WorkerPlace = {
      host: this._place.host,
      port: isFirst ? undefined : this._port,
      asked: this._place.port,
      threads: this._count,
    };
    const worker = new Worker(join(__dirname, this._job.program), { workerData: { ...this._job.data, ...orders } });
    const place = this.stats.push(null) - 1;
    this._running.add(worker);
    const started = Date.now();
    return new Promise((resolve, reject) => {
      let isListening = false;
      let cause = 'it ended by itself';
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'failed') cause = message.message;
        if (message.type === 'stats') this.stats[place] = message.stats;
        if (message.type === 'closed') this.forced += message.forced ?? 0;
        if (message.type !== 'listening') return;
        isListening = true;
        if (isFirst) this.arrive(message);
        if (this._history !== undefined) tell(worker, { type: 'feed', message: this._history });
        resolve();
      });
      worker.on('error', (error: unknown) => {
        cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
      });
      worker.on('exit', () => {
        this._running.delete(worker);
        this.stats[place] = withNothingOpen(this.stats[place] ?? null);
        if (!isListening) reject(new Complaint(cause));
        else if (!this._isClosing) this.replace(Date.now() - started >= HEALTHY_MS ? FIRST_DELAY_MS : delay, cause);
      });
    });
  }

  private arrive({ port, url, moved }: { port: number; url: string; moved: string }): void {
    this._port = port;
    this.url = url;
    this.moved = moved;
  }

  private replace(delay: number, cause: string): void {
    console.error(`millrace: a worker thread died; the next starts in ${delay} ms: ${cause}`);
    const timer = setTimeout(() => {
      this._timers.delete(timer);
      const next = Math.min(delay * 2, LAST_DELAY_MS);
      this.launch(false, next).catch((error: unknown) => {
        if (!this._isClosing) this.replace(next, (error as Error).message);
      });
    }, delay);
    this._timers.add(timer);
  }
}

/** What a thread that is gone has counted. */
function withNothingOpen(stats: ProxyServerStats | null): ProxyServerStats | null {
  if (stats === null) return null;
  const { connections, tunnels } = stats;
  return { ...stats, connections: { ...connections, active: 0 }, tunnels: { ...tunnels, active: 0 } };
}

async function closeOne(worker: Worker, timeout: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, timeout + MERCY_MS);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    worker.once('exit', done);
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'closed') done();
    });
  });
  tell(worker, { type: 'close', timeout });
  await closed;
  await worker.terminate();
}

function tell(worker: Worker, message: ToWorker): void {
  worker.postMessage(message);
}
