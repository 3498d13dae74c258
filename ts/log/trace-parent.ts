/** Who called, as a `traceparent` field says it (W3C Trace Context §3.2). */
export interface TraceParent {
  /** 32 digits, the trace that all calls of one transaction share. */
  readonly traceId: string;
  /** 16 digits, the caller's span. */
  readonly parentId: string;
  /** Whether the caller records this trace. */
  readonly sampled: boolean;
}

/** `version "-" trace-id "-" parent-id "-" trace-flags`, in lower case (§3.2.2); a later version may append fields. */
const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = '0'.repeat(32);
const NO_PARENT = '0'.repeat(16);

/**
 * Reads a `traceparent`; undefined where there is none, or one that must be ignored: malformed, version ff, zero ids,
 * version 00 with more behind (§3.2.2), more than one field (they come joined by a comma, which no form has).
 */
export function parseTraceParent(value: string | undefined): TraceParent | undefined {
  if (value === undefined) return undefined;
  const match = FORM.exec(value);
  if (match === null) return undefined;
  const [, version, traceId, parentId, flags, more] = match as unknown as [string, ...string[]] & [unknown];
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (traceId === NO_TRACE || parentId === NO_PARENT) return undefined;
  return { traceId, parentId, sampled: (parseInt(flags, 16) & 1) === 1 };
}

/**
 * The `traceparent` by which a request made within a context is passed on: that of the request which the context is of,
 * as it came. We make no span of our own, so there is no other parent to name (W3C Trace Context §4.3). Undefined where
 * the context has no trace.
 */
export function traceParentOf(context: Readonly<Record<string, unknown>>): string | undefined {
  const { traceId, parentId, sampled } = context;
  if (typeof traceId !== 'string' || typeof parentId !== 'string') return undefined;
  const value = `00-${traceId}-${parentId}-${sampled === true ? '01' : '00'}`;
  return parseTraceParent(value) === undefined ? undefined : value;
}
