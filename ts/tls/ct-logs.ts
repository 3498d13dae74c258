import { misuse } from '../errors/millrace-error.js';
import { describeValue } from '../errors/escape.js';
import type { NativeCtLog } from '../native/binding.js';
import type { Material } from '../options/table.js';
import { loadPiece } from './material.js';

const STATES = new Set(['pending', 'qualified', 'usable', 'readonly', 'retired', 'rejected']);

/**
 * Reads lists of logs, in the form of Google's `log_list.json`, version 3: `{ operators: [{ name, logs: [{ key, log_id,
 * state }], tiled_logs }] }`. What else stands in it is passed over; what is needed and is wrong is refused, since a
 * log that is silently left out makes good certificates look bad.
 */
export async function loadCtLogs(given: Material | readonly Material[] | null, where: string): Promise<NativeCtLog[]> {
  if (given === null) return [];
  const pieces = (Array.isArray(given) ? given : [given]) as readonly Material[];
  return (await Promise.all(pieces.map((piece) => loadList(piece, where)))).flatMap(readList);
}

async function loadList(piece: Material, where: string): Promise<unknown> {
  const isText = typeof piece === 'string' && piece.trimStart().startsWith('{');
  const text = isText ? piece : Buffer.from(await loadPiece(piece, where)).toString('utf8');
  try {
    // A file may begin with the mark of its byte order.
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw refused('it is no JSON', cause);
  }
}

function readList(list: unknown): NativeCtLog[] {
  const operators = objectOf(list, 'it')['operators'];
  const logs = arrayOf(operators, 'operators').flatMap((given, place) => {
    const where = `operators[${place}]`;
    const operator = objectOf(given, where);
    const name = operator['name'];
    // A NUL would end it in the facts of a session.
    if (typeof name !== 'string' || name === '' || name.includes('\0')) {
      throw refused(`${where}.name must be a text, got ${describeValue(name)}`);
    }
    return ['logs', 'tiled_logs'].flatMap((kind) =>
      operator[kind] === undefined
        ? []
        : arrayOf(operator[kind], `${where}.${kind}`).map((log, at) => readLog(log, name, `${where}.${kind}[${at}]`)),
    );
  });
  if (logs.length === 0) throw refused('it has no logs');
  return logs;
}

function readLog(given: unknown, operator: string, where: string): NativeCtLog {
  const { key, log_id: id, state } = objectOf(given, where);
  const bytes = base64(key, `${where}.key`);
  const { createHash } = process.getBuiltinModule('node:crypto');
  if (id !== undefined && createHash('sha256').update(bytes).digest('base64') !== id) {
    throw refused(`${where}.log_id must be the SHA-256 of its key, got ${describeValue(id)}`);
  }
  // The list of all logs has some without a state, which never asked to be accepted.
  if (state === undefined) return { key: bytes, operator, state: 'pending', since: 0 };
  const names = Object.keys(objectOf(state, `${where}.state`));
  if (names.length !== 1 || !STATES.has(names[0])) {
    throw refused(`${where}.state must have one of ${[...STATES].join(', ')}, got ${names.join(', ') || 'none'}`);
  }
  const { timestamp } = objectOf((state as Record<string, unknown>)[names[0]], `${where}.state.${names[0]}`);
  const since = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN;
  if (!(since >= 0)) {
    throw refused(`${where}.state.${names[0]}.timestamp must be a time (ISO 8601), got ${describeValue(timestamp)}`);
  }
  return { key: bytes, operator, state: names[0], since: Math.floor(since / 1000) };
}

function base64(value: unknown, where: string): Uint8Array {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : Buffer.alloc(0);
  if (bytes.length === 0 || bytes.toString('base64') !== value) {
    throw refused(`${where} must be base64, got ${describeValue(value)}`);
  }
  return bytes;
}

function objectOf(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw refused(`${where} must be an object, got ${describeValue(value)}`);
}

function arrayOf(value: unknown, where: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw refused(`${where} must be an array, got ${describeValue(value)}`);
}

function refused(why: string, cause?: unknown): Error {
  const message = `TlsContext.client: option 'ctLogs' is no list of logs in the form of log_list.json v3: ${why}`;
  return misuse('MILLRACE_TLS_INVALID_CONFIGURATION', message, cause === undefined ? {} : { cause });
}
