import { describeValue, escapeControls } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import { getLogContext } from './context.js';
import { DEFAULT_LEVEL, isLevel, LEVELS, rankOf } from './level.js';
import type { Level } from './level.js';
import { deliver, isSilent, warnOnStderr, watchSink } from './logger.js';
import { NO_FIELDS } from './record.js';
import type { Fields } from './record.js';

let threshold = rankOf(startLevel(process.env.MILLRACE_LOG));
let watcher: ((rank: number) => void) | null = null;
let count: ((level: Level) => void) | null = null;

function startLevel(given: string | undefined): Level {
  if (given === undefined || given === '') return DEFAULT_LEVEL;
  const level = given.toLowerCase();
  if (isLevel(level)) return level;
  warnOnStderr(`MILLRACE_LOG must be ${expected()}, got ${describeValue(given)}; using "${DEFAULT_LEVEL}"`);
  return DEFAULT_LEVEL;
}

function expected(): string {
  return `one of ${LEVELS.map((level) => `"${level}"`).join(', ')}`;
}

/** Sets the level below which nothing is logged; it starts from the environment's `MILLRACE_LOG`, else at `warn`. */
export function setLevel(level: Level): void {
  if (!isLevel(level)) {
    const message = `setLevel: the level must be ${expected()}, got ${describeValue(level)}`;
    throw misuse('MILLRACE_INVALID_ARGUMENT', message);
  }
  threshold = rankOf(level);
  tellThreshold();
}

/** The level below which nothing is logged. */
export function getLevel(): Level {
  return LEVELS[threshold] ?? DEFAULT_LEVEL;
}

/** Whether a record of this level would go anywhere: ask before making an expensive one. */
export function isEnabled(level: Level): boolean {
  return rankOf(level) >= threshold && !isSilent();
}

/** The function is told the rank of the least level that passes, now and whenever it changes; silence is one above all. */
export function watchThreshold(fn: ((rank: number) => void) | null): void {
  watcher = fn;
  watchSink(fn === null ? null : tellThreshold);
  tellThreshold();
}

function tellThreshold(): void {
  watcher?.(isSilent() ? LEVELS.length : threshold);
}

/** Sets the function that counts the records which were logged. */
export function setCounter(fn: ((level: Level) => void) | null): void {
  count = fn;
}

/**
 * Logs one record. Nothing is formatted, copied or escaped when the level is not enabled. A logger that
 * fails does not make it throw. `about` is on whose behalf it is, where that is not the context that we are in.
 */
export function logRecord(
  level: Level,
  component: string,
  message: string,
  fields: Fields = NO_FIELDS,
  about: Fields = getLogContext(),
): void {
  if (!isEnabled(level)) return;
  const context = escapeFields(about);
  deliver({
    time: Date.now(),
    level,
    component,
    message: escapeControls(message),
    fields: escapeFields(fields),
    context,
  });
  count?.(level);
}

/** Texts are escaped here, for all loggers alike; objects are left to the logger, which knows how to show them. */
function escapeFields(fields: Fields): Fields {
  if (fields === NO_FIELDS) return fields;
  const safe: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    safe[name] = typeof value === 'string' ? escapeControls(value) : value;
  }
  return safe;
}
