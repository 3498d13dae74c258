import { childTraceOf, parseTraceParent, traceContextOf } from '../../ts/log/trace-parent.js';
import { parseTraceState } from '../../ts/log/trace-state.js';
import fc from '../support/properties.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

test.each<[string, string, boolean]>([
  ['version 00', `00-${TRACE}-${PARENT}-01`, true],
  ['not sampled', `00-${TRACE}-${PARENT}-00`, false],
  ['unknown flags (§3.2.2.5)', `00-${TRACE}-${PARENT}-fe`, false],
  ['a later version', `cc-${TRACE}-${PARENT}-01`, true],
  ['a later version with more behind (§4.3)', `cc-${TRACE}-${PARENT}-01-what-the-future-brings`, true],
])('reads %s', (_name, value, sampled) => {
  expect(parseTraceParent(value)).toEqual({ traceId: TRACE, parentId: PARENT, sampled });
});

test.each<[string, string | undefined]>([
  ['no field', undefined],
  ['an empty one', ''],
  ['version ff', `ff-${TRACE}-${PARENT}-01`],
  ['version 00 with more behind', `00-${TRACE}-${PARENT}-01-more`],
  ['a later version with more behind and no dash', `cc-${TRACE}-${PARENT}-01.more`],
  ['upper case', `00-${TRACE.toUpperCase()}-${PARENT}-01`],
  ['a zero trace id', `00-${'0'.repeat(32)}-${PARENT}-01`],
  ['a zero parent id', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['a short trace id', `00-${TRACE.slice(1)}-${PARENT}-01`],
  ['a long parent id', `00-${TRACE}-${PARENT}0-01`],
  ['flags of one digit', `00-${TRACE}-${PARENT}-1`],
  ['white space before it', ` 00-${TRACE}-${PARENT}-01`],
  ['two fields', `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`],
  ['two fields of a later version', `cc-${TRACE}-${PARENT}-01, cc-${TRACE}-${PARENT}-01`],
])('ignores %s', (_name, value) => {
  expect(parseTraceParent(value)).toBeUndefined();
});

test('never throws, and what it reads was there', () => {
  const nearly = fc.stringMatching(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), nearly), (value) => {
      const read = parseTraceParent(value);
      return read === undefined || value.slice(3, 52) === `${read.traceId}-${read.parentId}`;
    }),
  );
});

const LONG = `long=${'x'.repeat(150)}`;
const many = (count: number): string => Array.from({ length: count }, (_, place) => `k${place}=1`).join(',');
/** Members of 50 characters. */
const fifty = (count: number): string[] =>
  Array.from({ length: count }, (_, place) => `k${String(place).padStart(2, '0')}=${'v'.repeat(46)}`);

test.each<[string, string, string]>([
  ['one member', 'rojo=00f067aa0ba902b7', 'rojo=00f067aa0ba902b7'],
  ['several, in their order', 'rojo=1,congo=t61rcWkgMzE', 'rojo=1,congo=t61rcWkgMzE'],
  ['white space and empty members, which go', ' rojo=1\t,, ,\tcongo=2 ,', 'rojo=1,congo=2'],
  ['a tenant of a system', 'fw529a3039@dt=FfffffB', 'fw529a3039@dt=FfffffB'],
  ['a key of all that there may be', 'a-b_c*d/0=x', 'a-b_c*d/0=x'],
  ['a value of what is printable, with a space within', 'a=!"#$ %&', 'a=!"#$ %&'],
  ['a key twice: the first is the newest', 'a=1,b=2,a=3', 'a=1,b=2'],
  ['32 members', many(32), many(32)],
  ['a key of 256', `${'k'.repeat(256)}=1`, `${'k'.repeat(256)}=1`],
  ['a value of 256', `k=${'v'.repeat(256)}`, `k=${'v'.repeat(256)}`],
  ['more than 512: long members go first', [...fifty(8), LONG, 'end=1'].join(','), [...fifty(8), 'end=1'].join(',')],
  ['more than 512 of short members: the last go', fifty(12).join(','), fifty(10).join(',')],
])('reads a tracestate of %s', (_name, value, expected) => {
  expect(parseTraceState(value)).toBe(expected);
});

test('exactly 512 characters of a tracestate are passed on, and of one more a member goes', () => {
  const nine = fifty(9).join(',');
  const last = `z=${'v'.repeat(512 - nine.length - 3)}`;
  expect(parseTraceState(`${nine},${last}`)).toHaveLength(512);
  expect(parseTraceState(`${nine},${last}v`)).toBe(nine);
});

test.each<[string, string]>([
  ['nothing', ''],
  ['only commas', ', ,'],
  ['a member without a value', 'a'],
  ['an empty value', 'a='],
  ['a value of spaces only', 'a= '],
  ['an empty key', '=1'],
  ['a key in upper case', 'A=1'],
  ['a key that begins with a digit', '1a=1'],
  ['a key with a space', 'a b=1'],
  ['two tenants', 'a@b@c=1'],
  ['a tenant without a system', 'a@=1'],
  ['a system without a tenant', '@a=1'],
  ['a system of 15', `a@${'b'.repeat(15)}=1`],
  ['a tenant of 242', `${'a'.repeat(242)}@b=1`],
  ['a key of 257', `${'k'.repeat(257)}=1`],
  ['a value of 257', `k=${'v'.repeat(257)}`],
  ['a value with an equals sign', 'a=b=c'],
  ['a value that is not ASCII', 'a=é'],
  ['a control character', 'a=\x01'],
  ['one good member and one that is not', 'a=1,B=2'],
  ['33 members', many(33)],
])('ignores a tracestate of %s', (_name, value) => {
  expect(parseTraceState(value)).toBeUndefined();
});

test('a context takes tracestate with a traceparent that holds, and never without', () => {
  const traceparent = `00-${TRACE}-${PARENT}-01`;
  const context = traceContextOf(traceparent, 'a=1');
  expect(context).toMatchObject({ traceId: TRACE, parentId: PARENT, sampled: true });
  // What is logged does not have it.
  expect(Object.keys(context)).toEqual(['traceId', 'parentId', 'sampled']);
  expect(childTraceOf({ ...context, mine: 1 })?.tracestate).toBe('a=1');
  expect(childTraceOf(traceContextOf(traceparent, 'A=1'))?.tracestate).toBeUndefined();
  expect(childTraceOf(traceContextOf('00-bad', 'a=1'))).toBeUndefined();
});

test.each<[object, string | undefined]>([
  [{ traceId: TRACE, parentId: PARENT, sampled: true }, '01'],
  [{ traceId: TRACE, parentId: PARENT, sampled: false, requestId: 'x' }, '00'],
  [{ traceId: TRACE, parentId: PARENT }, '00'],
  [{ traceId: TRACE }, undefined],
  [{ traceId: 'X', parentId: PARENT }, undefined],
  [{ traceId: `${TRACE}\r\n`, parentId: PARENT }, undefined],
  [{ traceId: '0'.repeat(32), parentId: PARENT }, undefined],
  [{}, undefined],
])('a request within the context %j is of its trace, with a span of its own', (fields, flags) => {
  const child = childTraceOf(fields as Record<string, unknown>)?.traceparent;
  if (flags === undefined) return expect(child).toBeUndefined();
  const read = parseTraceParent(child);
  expect(read).toMatchObject({ traceId: TRACE, sampled: flags === '01' });
  expect(read?.parentId).not.toBe(PARENT);
  expect(child).toBe(`00-${TRACE}-${read?.parentId}-${flags}`);
  expect(childTraceOf(fields as Record<string, unknown>)?.traceparent).not.toBe(child);
});
