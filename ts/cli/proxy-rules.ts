/** Rules of a proxy as the command line writes them: `--allow .example.com:443`, `--deny 10.0.0.0/8`. */
import type { ProxyRule } from '../index.js';
import { Complaint } from './complaint.js';

/** `host`, `host:ports`, `cidr`, `cidr:ports` or `*:ports`; IPv6 with ports stands in brackets. */
export function ruleOf(action: 'allow' | 'deny', text: string): ProxyRule {
  const [, where = '', list] = /^(\[[^\]]*\](?:\/\d+)?|[^:]*|[^[\]]*:[^[\]]*:[^[\]]*)(?::([\d,-]+))?$/.exec(text) ?? [];
  if (where === '') throw wrong(action, text);
  const place = where.replace(/^\[([^\]]*)\]/, '$1');
  return {
    action,
    ...(place === '*' ? null : place.includes('/') ? { cidr: place } : { host: place }),
    ...(list === undefined ? null : { ports: list.split(',').map((part) => rangeOf(part, action, text)) }),
  };
}

function rangeOf(part: string, action: string, text: string): number | readonly [number, number] {
  const [, from, to] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
  if (from === undefined) throw wrong(action, text);
  return to === undefined ? Number(from) : [Number(from), Number(to)];
}

function wrong(action: string, text: string): Complaint {
  const expected =
    'a name, an address or a block, and ports if it likes: .example.com:443, 10.0.0.0/8, [2001:db8::]/32:80,8000-8100';
  return new Complaint(`--${action} must be ${expected}; got ${JSON.stringify(text)}`, 2);
}
