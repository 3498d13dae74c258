/** What the demo page shows: one sample of the process a second. */
import { features, MetricsReader, version } from '../../index.js';
import type { ProxyState, ProxyWatch } from './proxy-watch.js';

/** What happened in one second, and what is there at its end. */
export interface Sample {
  /** Milliseconds since the epoch. */
  time: number;
  requestsPerSecond: number;
  /** Microseconds of CPU per request; null in a second with too few requests to say. */
  cpu: { user: number; system: number } | null;
  /** Share of one core that the process took, 0 to the number of cores. */
  load: number;
  connections: number;
  inFlight: number;
  /** Milliseconds; null in a second without a request. */
  latency: { p50: number; p90: number; p99: number } | null;
  bytesPerSecond: { received: number; sent: number };
  totals: { requests: number; connections: number; received: number; sent: number; errors: number };
  /** Resident memory in bytes. */
  memory: number;
}

/** What does not change while the process runs, and the samples so far. */
export interface History {
  facts: {
    version: string;
    node: string;
    platform: string;
    poller: string;
    threads: number;
    pid: number;
    started: number;
  };
  samples: Sample[];
}

/** An event for the page. */
export type FeedMessage =
  { event: 'history'; data: History } | { event: 'sample'; data: Sample } | { event: 'proxy'; data: ProxyState };

const INTERVAL_MS = 1_000;
/** Two minutes. */
export const MAX_SAMPLES = 120;
/** Below this the process's own idling would be taken for the requests' cost. */
const MIN_REQUESTS = 50;
const MS = 1_000;

/**
 * Samples the whole process, all its threads, and feeds who asked. Each sample is what came since the one before, read
 * by a reader of its own. Totals are kept here.
 */
export class Sampler {
  private readonly _feeds: ((message: FeedMessage) => void)[] = [];
  private readonly _history: History;
  private readonly _totals = { requests: 0, connections: 0, received: 0, sent: 0, errors: 0 };
  private readonly _reader = new MetricsReader();
  private _timer: NodeJS.Timeout | undefined;
  private _cpu = process.cpuUsage();
  private _time = performance.now();

  /** `threads`: how many serve; `proxy`: the one beside the page. */
  constructor(
    threads: number,
    private readonly _proxy?: ProxyWatch,
  ) {
    const { poller, platform } = features();
    const facts = { version: version(), node: process.version, platform, poller, threads, pid: process.pid };
    this._history = { facts: { ...facts, started: Date.now() }, samples: [] };
  }

  /** Gives the history to `take`, and a sample a second from the start on. */
  feed(take: (message: FeedMessage) => void): void {
    this._feeds.push(take);
    take({ event: 'history', data: this._history });
  }

  start(): void {
    this._cpu = process.cpuUsage();
    this._time = performance.now();
    this._timer = setInterval(() => this.tick(), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this._timer);
  }

  private tick(): void {
    const sample = this.sample();
    const { samples } = this._history;
    samples.push(sample);
    if (samples.length > MAX_SAMPLES) samples.shift();
    const proxy = this._proxy?.state() ?? null;
    for (const take of this._feeds) {
      take({ event: 'sample', data: sample });
      if (proxy !== null) take({ event: 'proxy', data: proxy });
    }
  }

  private sample(): Sample {
    const { counters, gauges, histograms } = this._reader.read();
    const now = performance.now();
    const cpu = process.cpuUsage(this._cpu);
    const seconds = Math.max(now - this._time, 1) / MS;
    this._cpu = process.cpuUsage();
    this._time = now;
    const requests = counters.millrace_http_server_requests_total;
    const received = counters.millrace_sockets_received_bytes_total;
    const sent = counters.millrace_sockets_sent_bytes_total;
    const duration = histograms.millrace_http_server_request_duration_seconds;
    const totals = this._totals;
    totals.requests += requests;
    totals.connections += counters.millrace_http_server_connections_accepted_total;
    totals.received += received;
    totals.sent += sent;
    totals.errors += counters['millrace_http_server_responses_total{class="5xx"}'];
    return {
      time: Date.now(),
      requestsPerSecond: requests / seconds,
      cpu: requests < MIN_REQUESTS ? null : { user: cpu.user / requests, system: cpu.system / requests },
      load: (cpu.user + cpu.system) / 1e6 / seconds,
      connections: gauges.millrace_http_server_connections,
      inFlight: gauges.millrace_http_server_active_requests,
      latency: duration.count === 0 ? null : { p50: duration.p50 * MS, p90: duration.p90 * MS, p99: duration.p99 * MS },
      bytesPerSecond: { received: received / seconds, sent: sent / seconds },
      totals: { ...totals },
      memory: process.memoryUsage.rss(),
    };
  }
}
