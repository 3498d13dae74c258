import type { BodyInput } from '../message/outgoing-body.js';
import type { HeaderView } from '../message/header-view.js';
import type { HeadersInput } from '../message/head-text.js';
import { describeValue, quote } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import type { RequestOptionValues } from '../options/request.generated.js';
import { REQUEST_OPTIONS } from '../options/request.generated.js';
import { nearestName } from '../options/nearest-name.js';
import type { OptionRow } from '../options/table.js';
import type { Timeouts as TimeoutsTable } from '../options/timeouts.generated.js';
import { checkOption } from '../options/validate.js';
import type { ProxyOption } from '../proxy/route.js';
import type { RetryOptions } from '../resilience/retry.js';

export type Timeouts = TimeoutsTable;

/** One request; docs/options.md has ranges and defaults. */
export interface RequestOptions {
  method?: string | undefined;
  headers?: HeadersInput | undefined;
  body?: BodyInput | undefined;
  query?: Record<string, string | number | boolean> | undefined;
  signal?: AbortSignal | undefined;
  timeouts?: Timeouts | undefined;
  proxy?: ProxyOption | undefined;
  isolationKey?: string | undefined;
  idempotent?: boolean | undefined;
  maxRedirects?: number | undefined;
  maxResponseSize?: number | null | undefined;
  maxMemoryPerRequest?: number | null | undefined;
  decompress?: boolean | undefined;
  maxExpansion?: number | null | undefined;
  retry?: RetryOptions | boolean | undefined;
  throwOnError?: boolean | undefined;
  traceparent?: boolean | undefined;
  expectContinue?: number | null | undefined;
  onInformational?: ((status: number, headers: HeaderView) => void) | undefined;
}

const ROWS: ReadonlyMap<string, OptionRow<keyof RequestOptionValues>> = new Map(
  REQUEST_OPTIONS.rows.map((row) => [row.name, row]),
);

/** Checks what was given; a body's kind is checked when it is sorted. */
export function checkRequestOptions(options: RequestOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw misuse('MILLRACE_INVALID_ARGUMENT', `request: the options must be an object, got ${describeValue(options)}`);
  }
  for (const name in options) {
    const value = (options as Record<string, unknown>)[name];
    if (value === undefined || name === 'body') continue;
    if (name === 'method') {
      // Checked where it is written; this is the usual one.
      if (typeof value === 'string' && value !== '') continue;
    }
    const row = ROWS.get(name);
    if (row === undefined) {
      const near = nearestName(name, [...ROWS.keys()]);
      const hint = near === undefined ? '' : `, did you mean ${quote(near)}?`;
      throw misuse('MILLRACE_UNKNOWN_OPTION', `request: no option is called ${quote(name)}${hint}`);
    }
    if (value === null && row.default === null) continue;
    checkOption('request', row, value);
  }
}
