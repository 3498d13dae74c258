import type { Fields } from './record.js';
import { NO_FIELDS } from './record.js';
import { parseTraceState } from './trace-state.js';

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

/** Where a context keeps the `tracestate` that came with its `traceparent`: not among its fields, which are logged. */
const TRACE_STATE = Symbol('tracestate');

/** The trace of a request as the fields of a context; none where it has no `traceparent` that holds. */
export function traceContextOf(traceparent: string | undefined, tracestate: string | undefined): Fields {
  const parent = parseTraceParent(traceparent);
  if (parent === undefined) return NO_FIELDS;
  const state = tracestate === undefined ? undefined : parseTraceState(tracestate);
  return state === undefined ? { ...parent } : { ...parent, [TRACE_STATE]: state };
}

/**
 * The `traceparent` and `tracestate` by which a request that is made within a context is passed on: its trace, with a new
 * id for the request as its parent (W3C Trace Context §3.4). Undefined where the context has no trace.
 */
export function childTraceOf(context: Fields): { traceparent: string; tracestate: string | undefined } | undefined {
  const { traceId, parentId, sampled } = context;
  if (typeof traceId !== 'string' || typeof parentId !== 'string') return undefined;
  if (parseTraceParent(`00-${traceId}-${parentId}-00`) === undefined) return undefined;
  const state = (context as { [TRACE_STATE]?: string })[TRACE_STATE];
  // We know no other flag than this, and write the version that we know (§3.2.2.5, §4.3).
  const traceparent = `00-${traceId}-${newSpanId()}-${sampled === true ? '01' : '00'}`;
  return { traceparent, tracestate: state };
}

/** 16 digits at random, not all of them zero (§3.2.2.4). */
function newSpanId(): string {
  for (;;) {
    const high = Math.floor(Math.random() * 0x1_0000_0000);
    const low = Math.floor(Math.random() * 0x1_0000_0000);
    if (high !== 0 || low !== 0) return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
  }
}
