/**
 * Text that strangers chose, made safe to show: in error messages, where it is cut as well, and in logs.
 */

const MAX_SHOWN = 100;

const NAMED: Readonly<Record<string, string>> = {
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
};

/** What a terminal or a log reader could act upon: control characters, line separators, direction marks, halves of pairs. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}\ufeff]/gu;

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');

function escapeUnit(unit: string): string {
  const code = unit.charCodeAt(0);
  return NAMED[unit] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
}

/**
 * Bytes or text from the network in double quotes, for a message: everything but printable ASCII escaped, at most
 * `max` characters or bytes shown, and the whole length named when that is not all.
 */
export function quote(data: string | Uint8Array, max = MAX_SHOWN): string {
  const shown =
    typeof data === 'string'
      ? data.slice(0, max)
      : Buffer.from(data.buffer, data.byteOffset, Math.min(data.byteLength, max)).toString('latin1');
  const text = `"${shown.replace(/[^ -~]|["\\]/g, escapeUnit)}`;
  if (data.length <= max) return `${text}"`;
  return `${text}…" (${data.length} ${typeof data === 'string' ? 'characters' : 'bytes'})`;
}

/** Text for a log: readable in any language, but nothing in it moves a cursor, colours a line or begins a new one. */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE, escapeUnit);
}

/** Any value as a message shows it: `"x"`, `3`, `null`, `a function`, `an object`. */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'bigint':
      return quote(String(value)).slice(1, -1) + 'n';
    case 'symbol':
      return `Symbol(${quote(value.description ?? '')})`;
    case 'function':
      return 'a function';
    default:
      if (value === null) return 'null';
      if (value instanceof Promise) return 'a promise';
      return Array.isArray(value) ? 'an array' : 'an object';
  }
}
