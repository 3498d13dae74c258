import { describeValue, quote } from '../errors/escape.js';
import { misuse, outOfRange } from '../errors/millrace-error.js';
import { logRecord } from '../log/log.js';

/** What can be closed gracefully: our servers, and whatever else has such a method. */
export interface Closable {
  close(options: { timeout: number; idle: number }): Promise<unknown>;
  /** Cuts everything now. */
  destroy?(): void;
}

/** Options of `gracefulShutdown`. */
export interface GracefulShutdownOptions {
  /** SIGTERM and SIGINT unless given. */
  signals?: readonly NodeJS.Signals[] | undefined;
  /** Milliseconds after which what is left is cut; 30 000 unless given. */
  timeout?: number | undefined;
  /** Milliseconds for which an idle connection may still bring a request; 1 000 unless given. */
  idle?: number | undefined;
  /** Whether the process exits when all is closed, and at the second signal; true unless given. */
  exit?: boolean | undefined;
  /** Called at the first signal, before anything is closed. */
  onSignal?: ((signal: NodeJS.Signals) => void) | undefined;
}

/** What a shell reports of a process that a signal ended: 128 and the signal's number. */
const SIGNALLED = 128;
const MAX_TIMEOUT = 2_147_483_647;

/**
 * Closes the servers at the first of the signals: what is in flight is finished, at most `timeout` ms. Then the process
 * exits: with 0 when all was finished, with 1 when something had to be cut or could not be closed. A second signal
 * forces: with 128 and its number. Answers with a function that takes its signal handlers away again.
 */
export function gracefulShutdown(
  servers: Closable | Iterable<Closable>,
  options: GracefulShutdownOptions = {},
): () => void {
  checkShapes(servers, options);
  const { signals = ['SIGTERM', 'SIGINT'], timeout = 30_000, idle = 1_000, exit = true, onSignal } = options;
  check(signals, { timeout, idle });
  // A live view: what is added to an array or a Set later is closed too.
  const all = Symbol.iterator in servers ? servers : [servers];
  let isClosing = false;

  const dispose = (): void => {
    for (const signal of signals) process.off(signal, handle);
  };
  const handle = (signal: NodeJS.Signals): void => {
    if (isClosing) {
      dispose();
      for (const server of all) server.destroy?.();
      if (exit) process.exit(SIGNALLED + numbers()[signal]);
      return;
    }
    isClosing = true;
    try {
      onSignal?.(signal);
    } catch (error) {
      logRecord('error', 'server', 'onSignal failed', { err: error, signal });
    }
    void closeAll(all, { timeout, idle }).then((isClean) => {
      dispose();
      if (exit) process.exit(isClean ? 0 : 1);
    });
  };
  for (const signal of signals) process.on(signal, handle);
  return dispose;
}

/** Whether all was finished and nothing cut. */
async function closeAll(servers: Iterable<Closable>, options: { timeout: number; idle: number }): Promise<boolean> {
  const { timeout } = options;
  const results = await Promise.allSettled([...servers].map(async (server) => server.close(options)));
  let isClean = true;
  for (const result of results) {
    if (result.status === 'rejected') {
      logRecord('error', 'server', 'a server could not be closed', { err: result.reason });
      isClean = false;
    } else if (forcedOf(result.value) > 0) {
      logRecord('warn', 'server', 'exchanges were cut at the deadline', { forced: forcedOf(result.value), timeout });
      isClean = false;
    }
  }
  return isClean;
}

function forcedOf(value: unknown): number {
  const forced = typeof value === 'object' && value !== null ? (value as { forced?: unknown }).forced : 0;
  return typeof forced === 'number' ? forced : 0;
}

const OPTIONS = new Set(['signals', 'timeout', 'idle', 'exit', 'onSignal']);

/** What would be found out at the signal otherwise, when it is too late. */
function checkShapes(servers: unknown, options: unknown): void {
  const wrong = (what: string): Error => misuse('MILLRACE_INVALID_ARGUMENT', `gracefulShutdown: ${what}`);
  const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
  if (!isObject(servers)) throw wrong(`needs a server, or several, got ${describeValue(servers)}`);
  for (const one of Symbol.iterator in servers ? (servers as Iterable<unknown>) : [servers]) {
    if (isObject(one) && typeof (one as Partial<Closable>).close === 'function') continue;
    throw wrong(`a server must have a function "close", got ${describeValue(one)}`);
  }
  if (!isObject(options)) throw wrong(`the options must be an object, got ${describeValue(options)}`);
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !OPTIONS.has(name))
      throw misuse('MILLRACE_UNKNOWN_OPTION', `gracefulShutdown: there is no option ${quote(name)}`);
  }
  const { exit, onSignal, signals } = options as Record<string, unknown>;
  if (exit !== undefined && typeof exit !== 'boolean')
    throw wrong(`exit must be true or false, got ${describeValue(exit)}`);
  if (onSignal !== undefined && typeof onSignal !== 'function') {
    throw wrong(`onSignal must be a function, got ${describeValue(onSignal)}`);
  }
  if (signals !== undefined && !Array.isArray(signals)) {
    throw wrong(`signals must be an array of their names, got ${describeValue(signals)}`);
  }
}

function check(signals: readonly NodeJS.Signals[], times: { timeout: number; idle: number }): void {
  if (!process.getBuiltinModule('node:worker_threads').isMainThread) {
    // Node.js gives signals to the main thread alone: handlers here would never run.
    throw misuse('MILLRACE_INVALID_STATE', 'gracefulShutdown: signals reach only the main thread');
  }
  for (const signal of signals) {
    if (typeof signal !== 'string' || !Object.hasOwn(numbers(), signal)) {
      throw misuse('MILLRACE_INVALID_ARGUMENT', `gracefulShutdown: there is no signal ${describeValue(signal)}`);
    }
    if (signal === 'SIGKILL' || signal === 'SIGSTOP') {
      throw misuse('MILLRACE_INVALID_ARGUMENT', `gracefulShutdown: the signal ${quote(signal)} cannot be handled`);
    }
  }
  for (const [name, value] of Object.entries(times)) {
    if (!Number.isInteger(value) || value < 0 || value > MAX_TIMEOUT) {
      const range = `an integer from 0 to ${MAX_TIMEOUT}`;
      throw outOfRange(`gracefulShutdown: the ${name} must be ${range}, got ${describeValue(value)}`);
    }
  }
}

/** The numbers of the signals; loaded when first needed, as most programs that import the package do not. */
function numbers(): Record<string, number> {
  return process.getBuiltinModule('node:os').constants.signals;
}
