import { isIP } from 'node:net';

/** What resolv.conf(5) says, as far as it concerns us. */
export interface ResolvConf {
  /** Null: the file names none, or there is no file, and c-ares knows what the system has. */
  readonly servers: readonly string[] | null;
  /** Domains that are appended to names, in their order. */
  readonly search: readonly string[];
  /** A name with so many dots is asked as it is before the search list is tried. */
  readonly ndots: number;
  /** Milliseconds for the first try of each server, at most. */
  readonly timeout: number;
  /** Whether each question begins with another server. */
  readonly rotate: boolean;
}

export const NO_RESOLV_CONF: ResolvConf = { servers: null, search: [], ndots: 1, timeout: 5_000, rotate: false };

/** libc takes no more than 15 dots and 30 seconds (RES_MAXNDOTS, RES_MAXRETRANS); the domains are bounded by us. */
const MAX_NDOTS = 15;
const MAX_TIMEOUT_S = 30;
const MAX_SEARCH = 32;
const MAX_SERVERS = 8;

/** Parses resolv.conf(5): `nameserver`, the last of `search` and `domain`, and the options ndots, timeout and rotate. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let { search, ndots, timeout, rotate } = NO_RESOLV_CONF;
  for (const line of text.split('\n')) {
    const [keyword, ...values] = (line.split(/[#;]/, 1)[0] ?? '').trim().split(/\s+/);
    if (keyword === 'nameserver') {
      if (values[0] !== undefined && isIP(values[0]) !== 0 && servers.length < MAX_SERVERS) servers.push(values[0]);
    } else if (keyword === 'search' || keyword === 'domain') {
      search = values
        .slice(0, keyword === 'domain' ? 1 : MAX_SEARCH)
        .map(domainOf)
        .filter(Boolean);
    } else if (keyword === 'options') {
      for (const option of values) {
        if (option === 'rotate') rotate = true;
        const [, name, digits] = /^(ndots|timeout):(\d{1,6})$/.exec(option) ?? [];
        if (name === 'ndots') ndots = Math.min(Number(digits), MAX_NDOTS);
        if (name === 'timeout') timeout = Math.min(Math.max(Number(digits), 1), MAX_TIMEOUT_S) * 1_000;
      }
    }
  }
  return { servers: servers.length === 0 ? null : servers, search, ndots, timeout, rotate };
}

/** `.` stands for no domain at all. */
function domainOf(text: string): string {
  return text.toLowerCase().replace(/^\.+|\.+$/g, '');
}

/** The names to ask for, in their order, by the rules of resolv.conf(5). Those that grow too long are left out. */
export function candidates(name: string, absolute: boolean, { search, ndots }: ResolvConf): string[] {
  if (absolute) return [name];
  const dots = name.split('.').length - 1;
  const searched = search.map((domain) => `${name}.${domain}`).filter((one) => one.length <= 253);
  return dots >= ndots ? [name, ...searched] : [...searched, name];
}
