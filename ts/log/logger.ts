import { describeValue } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import { formatRecord } from './format.js';
import { LEVELS } from './level.js';
import type { Level } from './level.js';
import { NO_FIELDS } from './record.js';
import type { LogRecord } from './record.js';

/** Writes one entry, as pino's methods do. */
export type Log = (fields: object, message: string) => void;

/** A logger in the shape of pino: a method for each level, called with the fields and then the message. */
export interface Logger {
  trace: Log;
  debug: Log;
  info: Log;
  warn: Log;
  error: Log;
  fatal: Log;
  child?(bindings: object): Logger;
}

type Sink = (record: LogRecord) => unknown;

let sink: Sink | null = writeToStderr;
let hasFailed = false;
let onChange: (() => void) | null = null;

/**
 * Sends log records to a pino-shaped logger, to a function that takes the record, or, with null, nowhere. The default
 * writes readable lines to stderr. A logger that throws or rejects disturbs nobody; the first failure is told on stderr.
 */
export function setLogger(logger: Logger | ((record: LogRecord) => void) | null): void {
  sink = logger === null ? null : sinkFor(logger);
  hasFailed = false;
  onChange?.();
}

/** The function is called when `setLogger` has changed where records go. */
export function watchSink(fn: (() => void) | null): void {
  onChange = fn;
}

function sinkFor(logger: unknown): Sink {
  // A pino-shaped logger may be a function as well, so the shape is asked first.
  if (isLogger(logger)) {
    return ({ level, component, message, fields, context }) =>
      logger[level]({ component, ...context, ...fields }, message);
  }
  if (typeof logger === 'function') return logger as Sink;
  const shape = `an object with the methods ${LEVELS.join(', ')}, a function or null`;
  throw misuse('MILLRACE_INVALID_ARGUMENT', `setLogger: the logger must be ${shape}, got ${describeValue(logger)}`);
}

function isLogger(value: unknown): value is Logger {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return LEVELS.every((level) => typeof (value as Partial<Record<Level, unknown>>)[level] === 'function');
}

/** The logger for a console, which lacks `fatal` and takes one line. */
export function consoleLogger(to: Pick<Console, 'debug' | 'info' | 'warn' | 'error'>): (record: LogRecord) => void {
  return (record) => {
    const line = formatRecord(record, false);
    switch (record.level) {
      case 'trace': // A console's own `trace` would print a stack with each record.
      case 'debug':
        return to.debug(line);
      case 'info':
        return to.info(line);
      case 'warn':
        return to.warn(line);
      case 'error':
      case 'fatal':
        return to.error(line);
    }
  };
}

/** Whether there is no logger to hear a record. */
export function isSilent(): boolean {
  return sink === null;
}

/** Hands a record to the logger and keeps the logger's failures away from the caller. */
export function deliver(record: LogRecord): void {
  try {
    const result = sink?.(record);
    // An `async` callback must not end the process by an unhandled rejection.
    if (isThenable(result)) result.then(undefined, reportFailure);
  } catch (error) {
    reportFailure(error);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

function reportFailure(error: unknown): void {
  if (hasFailed) return;
  hasFailed = true;
  warnOnStderr(`the logger failed: ${error instanceof Error ? error.message : describeValue(error)}`);
}

function writeToStderr(record: LogRecord): void {
  const { stderr, env } = process;
  // https://no-color.org: present and not empty, whatever its value.
  const isColoured = stderr.isTTY === true && !env.NO_COLOR;
  stderr.write(`${formatRecord(record, isColoured)}\n`);
}

/** Says something about logging itself, which cannot go through the log. */
export function warnOnStderr(message: string): void {
  const record: LogRecord = {
    time: Date.now(),
    level: 'warn',
    component: 'log',
    message,
    fields: NO_FIELDS,
    context: NO_FIELDS,
  };
  try {
    writeToStderr(record);
  } catch {
    // Nobody is left to tell.
  }
}
