import { parseHttpDate } from '../message/http-date.js';

/**
 * What a Retry-After field asks for, in milliseconds from `now`: seconds or an HTTP-date (RFC 9110 §10.2.3). 0 for a
 * date that has passed; undefined for what is neither.
 */
export function parseRetryAfter(value: string | undefined, now = Date.now()): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const time = parseHttpDate(text, now);
  return time === undefined ? undefined : Math.max(0, time - now);
}

/** What an error or a response says of when to come back: by `headers` of its own, or of its `response`. */
export function retryAfterOf(outcome: unknown): number | undefined {
  if (typeof outcome !== 'object' || outcome === null) return undefined;
  const { headers, response } = outcome as { headers?: unknown; response?: unknown };
  const own = parseRetryAfter(fieldOf(headers));
  if (own !== undefined || typeof response !== 'object' || response === null) return own;
  return parseRetryAfter(fieldOf((response as { headers?: unknown }).headers));
}

/** The field in a HeaderView, in Headers, or in an object with names in any case, as libraries have them. */
function fieldOf(headers: unknown): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const { get } = headers as { get?: unknown };
  if (typeof get === 'function') return textOf((get as (name: string) => unknown).call(headers, 'retry-after'));
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() === 'retry-after') return textOf(value);
  }
  return undefined;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? value : undefined;
}
