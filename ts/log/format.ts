import { inspect } from 'node:util';

import { escapeControls } from '../errors/escape.js';
import type { Level } from './level.js';
import type { LogRecord } from './record.js';

const RESET = '\x1b[0m';
const DIM = '\x1b[2m';
const COLOURS: Readonly<Record<Level, string>> = {
  trace: '\x1b[90m',
  debug: '\x1b[36m',
  info: '\x1b[32m',
  warn: '\x1b[33m',
  error: '\x1b[31m',
  fatal: '\x1b[35m',
};

/** A value of more characters than this is cut: a line is for reading. */
const MAX_VALUE = 1_000;

/** How many frames of a stack are shown. */
const MAX_FRAMES = 20;

/**
 * A record for people: `12:03:04.005 WARN  server: the handler failed url="/a" status=500`, and below it, indented, the
 * stack of an error among the fields.
 */
export function formatRecord(record: LogRecord, isColoured: boolean): string {
  const time = new Date(record.time).toISOString().slice(11, 23);
  const level = record.level.toUpperCase().padEnd(5);
  const fields = [...Object.entries(record.context), ...Object.entries(record.fields)]
    .map(([name, value]) => ` ${escapeControls(name)}=${formatValue(value)}`)
    .join('');
  const text = `${escapeControls(record.component)}: ${escapeControls(record.message)}`;
  const stacks = Object.values(record.fields).flatMap(framesOf).join('');
  if (!isColoured) return `${time} ${level} ${text}${fields}${stacks}`;
  return `${DIM}${time}${RESET} ${COLOURS[record.level]}${level}${RESET} ${text}${DIM}${fields}${stacks}${RESET}`;
}

function formatValue(value: unknown): string {
  const text = textOf(value);
  return escapeControls(text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text);
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  if (isError(value)) return `"${value.name}: ${value.message}"`;
  return inspect(value, { breakLength: Infinity, depth: 2 });
}

/** The frames of an error's stack, a line each. */
function framesOf(value: unknown): string[] {
  if (!isError(value) || typeof value.stack !== 'string') return [];
  const lines = value.stack.split('\n').filter((line) => /^\s+at /.test(line));
  return lines.slice(0, MAX_FRAMES).map((line) => `\n    ${escapeControls(line.trim())}`);
}

/** By its shape, for errors of another realm. */
function isError(value: unknown): value is Error {
  if (typeof value !== 'object' || value === null) return false;
  const { name, message } = value as Partial<Error>;
  return value instanceof Error || (typeof name === 'string' && typeof message === 'string' && 'stack' in value);
}
