import { describeValue, quote } from '../errors/escape.js';
import { misuse, outOfRange } from '../errors/millrace-error.js';
import { nearestName } from './nearest-name.js';
import { areCredentials, isMaterialOrSome, isPromise, isSignal } from './shapes.js';
import type { OptionRow, OptionTable } from './table.js';

/**
 * The options that were given, checked against the table, with the defaults of the others. Throws a TypeError for an
 * unknown name or a wrong type, and a RangeError for a value out of range. `undefined` is the same as not given.
 */
export function validateOptions<Values extends object>(table: OptionTable<Values>, given: unknown): Values {
  const { owner, rows } = table;
  const options = optionsOf(owner, given);
  const names = new Set<string>(rows.map((row) => row.name));
  checkNames(owner, options, names);
  const values: Record<string, unknown> = {};
  for (const row of rows) {
    const value = options[row.name];
    values[row.name] = value === undefined ? row.default : checkOption(owner, row, value);
  }
  checkTogether(table, options);
  return values as Values;
}

/**
 * The options in force with those that were given in their place. Throws as `validateOptions` does, and a TypeError for
 * an option that cannot change.
 */
export function changeOptions<Values extends object>(
  table: OptionTable<Values>,
  owner: string,
  inForce: Values,
  given: unknown,
): Values {
  const options = optionsOf(owner, given);
  const rows = new Map<string, OptionRow>(table.rows.map((row) => [row.name, row]));
  const values = { ...inForce } as Record<string, unknown>;
  for (const [name, value] of Object.entries(options)) {
    const row = rows.get(name);
    if (row === undefined) throw unknownOption(owner, name, new Set(rows.keys()));
    if (value === undefined) continue;
    if (row.reloadable !== true) {
      const message = `${owner}: option ${quote(name)} cannot change while it is in use`;
      throw misuse('MILLRACE_OPTION_FIXED', message);
    }
    values[name] = checkOption(owner, row, value);
  }
  return values as Values;
}

/** An object that can hold options; a promise of one is what is left when an `await` is missing. */
export function optionsOf(owner: string, given: unknown): Readonly<Record<string, unknown>> {
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given) && !ArrayBuffer.isView(given);
  if (isObject && !isPromise(given)) return given as Record<string, unknown>;
  throw misuse('MILLRACE_INVALID_ARGUMENT', `${owner}: the options must be an object, got ${describeValue(given)}`);
}

/** Answers with the value of one option when the table allows it, and throws otherwise. */
export function checkOption(owner: string, row: OptionRow, value: unknown): unknown {
  switch (row.type) {
    case 'any':
      return value;
    case 'integer':
    case 'number':
      if (value === null && row.nullable === true) return value;
      if (typeof value !== 'number') throw wrongType(owner, row, value);
      if (row.type === 'integer' && !Number.isInteger(value)) throw wrongValue(owner, row, value);
      if (!(value >= row.min && value <= row.max)) throw wrongValue(owner, row, value);
      return value;
    case 'enum':
      if (typeof value !== typeof row.default) throw wrongType(owner, row, value);
      if (!row.values.includes(value as string | number)) throw wrongValue(owner, row, value);
      return value;
    case 'string':
      if (typeof value !== 'string') throw wrongType(owner, row, value);
      if (value === '' || value.includes('\0')) throw wrongValue(owner, row, value);
      return value;
    case 'signal':
      if (!isSignal(value)) throw wrongType(owner, row, value);
      return value;
    case 'functions':
      if (!Array.isArray(value) || Array.from(value).some((one) => typeof one !== 'function'))
        throw wrongType(owner, row, value);
      return value;
    case 'strings':
      if (!Array.isArray(value) || Array.from(value).some((one) => typeof one !== 'string'))
        throw wrongType(owner, row, value);
      return value;
    case 'objects':
      if (!Array.isArray(value) || Array.from(value).some((one) => typeof one !== 'object' || one === null)) {
        throw wrongType(owner, row, value);
      }
      return value;
    case 'object':
      if (typeof value !== 'object' || value === null || isPromise(value)) throw wrongType(owner, row, value);
      return value;
    case 'credentials':
      if (typeof value !== 'function' && !areCredentials(value)) throw wrongType(owner, row, value);
      return value;
    case 'route':
      if (value !== null && typeof value !== 'string' && typeof value !== 'object') throw wrongType(owner, row, value);
      return value;
    case 'material':
      if (!isMaterialOrSome(value)) throw wrongType(owner, row, value);
      return value;
    case 'responses':
      if (typeof value !== 'function' && !isMaterialOrSome(value)) throw wrongType(owner, row, value);
      return value;
    case 'service':
      if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) {
        throw wrongType(owner, row, value);
      }
      return value;
    case 'texts':
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(owner, row, value);
      for (const one of Object.values(value)) if (typeof one !== 'string') throw wrongType(owner, row, one);
      return { ...value };
    case 'switch':
      if (typeof value !== 'boolean' && typeof value !== 'function') throw wrongType(owner, row, value);
      return value;
    case 'list':
      if (!Array.isArray(value)) throw wrongType(owner, row, value);
      for (const one of value as unknown[]) {
        if (typeof one !== 'string') throw wrongType(owner, row, one);
        if (one === '' || one.includes('\0')) throw wrongValue(owner, row, one);
        if (row.values !== undefined && !row.values.includes(one)) throw wrongValue(owner, row, one);
      }
      return [...(value as string[])];
    case 'settings':
      if (typeof value !== 'boolean' && (typeof value !== 'object' || value === null || isPromise(value))) {
        throw wrongType(owner, row, value);
      }
      return value;
    default:
      if (typeof value !== row.type) throw wrongType(owner, row, value);
      return value;
  }
}

function checkTogether<Values extends object>(
  { owner, required, exclusive }: OptionTable<Values>,
  options: Readonly<Record<string, unknown>>,
): void {
  for (const list of required) {
    if (list.every((name) => options[name] === undefined)) {
      const message = `${owner}: one of the options ${listed(list, 'or')} must be given, got none`;
      throw misuse('MILLRACE_INVALID_ARGUMENT', message);
    }
  }
  for (const list of exclusive) {
    const given = list.filter((name) => options[name] !== undefined);
    if (given.length > 1) {
      const message = `${owner}: only one of the options ${listed(list, 'or')} may be given, got ${listed(given, 'and')}`;
      throw misuse('MILLRACE_INVALID_ARGUMENT', message);
    }
  }
}

/** Throws for the first name that is not one of these. */
export function checkNames(owner: string, given: object, names: ReadonlySet<string>): void {
  for (const name of Object.keys(given)) {
    if (!names.has(name)) throw unknownOption(owner, name, names);
  }
}

function unknownOption(owner: string, name: string, names: ReadonlySet<string>): Error {
  const nearest = nearestName(name, names);
  const hint = nearest === undefined ? '' : `; did you mean ${quote(nearest)}?`;
  return misuse('MILLRACE_UNKNOWN_OPTION', `${owner}: there is no option ${quote(name)}${hint}`);
}

function wrongType(owner: string, row: OptionRow, value: unknown): Error {
  return misuse('MILLRACE_INVALID_ARGUMENT', messageOf(owner, row, value));
}

function wrongValue(owner: string, row: OptionRow, value: unknown): Error {
  return outOfRange(messageOf(owner, row, value));
}

/** The one form of all messages: whose option, what was expected, what came. */
function messageOf(owner: string, row: OptionRow, value: unknown): string {
  return `${owner}: option ${quote(row.name)} must be ${expectedOf(row)}, got ${describeValue(value)}`;
}

function expectedOf(row: OptionRow): string {
  switch (row.type) {
    case 'any':
      return 'anything';
    case 'integer':
    case 'number':
      return `${row.type === 'integer' ? 'an integer' : 'a number'} from ${row.min} to ${row.max}${row.nullable === true ? ', or null for no limit' : ''}`;
    case 'enum':
      return `one of ${listed(row.values, 'or')}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return 'a string that is not empty and has no NUL';
    case 'signal':
      return 'an AbortSignal';
    case 'list':
      return row.values === undefined
        ? 'an array of strings that are not empty and have no NUL'
        : `an array of ${listed(row.values, 'or')}`;
    case 'settings':
      return 'true, false or an object of options';
    case 'function':
      return 'a function';
    case 'functions':
      return 'an array of functions';
    case 'strings':
      return 'an array of strings';
    case 'objects':
      return 'an array of objects';
    case 'object':
      return 'an object';
    case 'credentials':
      return '{ username, password }, two strings, or a function';
    case 'service':
      return 'an object or a function';
    case 'route':
      return "a proxy's URL, { url }, an array of them, 'env' or null";
    case 'material':
      return 'PEM text, the name of a file, a file: URL or a Uint8Array, or an array of some';
    case 'responses':
      return 'a function, the name of a file, a file: URL or a Uint8Array, or an array of some';
    case 'switch':
      return 'true, false or a function';
    case 'texts':
      return 'an object whose values are strings';
  }
}

function listed(names: readonly (string | number)[], word: string): string {
  const quoted = names.map((name) => (typeof name === 'string' ? quote(name) : String(name)));
  const last = quoted.pop() ?? '';
  return quoted.length === 0 ? last : `${quoted.join(', ')} ${word} ${last}`;
}
