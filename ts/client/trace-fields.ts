import { getLogContext } from '../log/context.js';
import { childTraceOf } from '../log/trace-parent.js';

/** The fields that pass the trace of the context on, as they cross; empty outside of one that has a trace. */
export function traceFields(): string {
  const trace = childTraceOf(getLogContext());
  if (trace === undefined) return '';
  const { traceparent, tracestate } = trace;
  return `traceparent\0${traceparent}\0${tracestate === undefined ? '' : `tracestate\0${tracestate}\0`}`;
}
