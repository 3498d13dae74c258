/** How many members there may be (W3C Trace Context §3.3.1.1). */
const MOST_MEMBERS = 32;
/** How much of it is passed on (§3.3.1.5), and what is too long to be kept where something has to go. */
const MOST_LENGTH = 512;
const LONG_MEMBER = 128;

/** `key "=" value` of §3.3.1.3: a key may name a tenant of a system by `@`; a value does not end with a space. */
const KEY = /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/;
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/**
 * A `tracestate` as it is passed on: its members in their order, without what is empty. Undefined where there is none, or
 * one that must be ignored whole: a malformed member, more than 32 members. Of more than 512 characters
 * members go, first those of more than 128, then the last ones (§3.3.1.5). Several fields come joined by commas.
 */
export function parseTraceState(value: string): string | undefined {
  const keys = new Set<string>();
  let members: string[] = [];
  for (const part of value.split(',')) {
    const member = part.replace(/^[ \t]+|[ \t]+$/g, '');
    if (member === '') continue;
    const equals = member.indexOf('=');
    const key = member.slice(0, equals);
    if (equals < 0 || !KEY.test(key) || !VALUE.test(member.slice(equals + 1))) return undefined;
    // Of a key that comes again the first is the newest.
    if (keys.has(key)) continue;
    keys.add(key);
    if (members.push(member) > MOST_MEMBERS) return undefined;
  }
  let length = members.join(',').length;
  for (const member of [...members].reverse()) {
    if (length <= MOST_LENGTH) break;
    if (member.length <= LONG_MEMBER) continue;
    members = members.filter((one) => one !== member);
    length -= member.length + 1;
  }
  while (members.join(',').length > MOST_LENGTH) members.pop();
  return members.length === 0 ? undefined : members.join(',');
}
