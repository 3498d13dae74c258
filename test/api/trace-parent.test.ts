import fc from 'fast-check';

import { parseTraceParent } from '../../ts/log/trace-parent.js';

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
