import { withoutBrackets } from '../dns/host-text.js';
import { quote } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';

/** The kinds of proxy, named as the schemes of their URLs. */
export type ProxyKind = 'http' | 'https' | 'socks4' | 'socks4a' | 'socks5' | 'socks5h';

/** A proxy, as its URL names it. */
export interface ProxyUrl {
  readonly kind: ProxyKind;
  /** A name in ASCII, or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Percent-decoded; both are undefined when the URL has no user information, and otherwise perhaps empty. */
  readonly username?: string;
  readonly password?: string;
}

const DEFAULT_PORTS: Readonly<Record<ProxyKind, number>> = {
  http: 80,
  https: 443,
  socks4: 1080,
  socks4a: 1080,
  socks5: 1080,
  socks5h: 1080,
};

/**
 * Reads the URL of a proxy. It has a scheme of the six, a host, and perhaps port and user information.
 *
 * What is not such a URL throws `MILLRACE_PROXY_URL_INVALID`, a malformed `%` in the user information
 * `MILLRACE_PROXY_URL_ENCODING`. No message quotes the URL, which may hold a password.
 */
export function parseProxyUrl(given: string | URL): ProxyUrl {
  const url = parse(given);
  const kind = url.protocol.slice(0, -1);
  // Without the slashes it is no scheme, but may be a user name with a password behind it.
  if (!isKind(kind)) throw invalid(hasScheme(given) ? `an unknown scheme, ${quote(kind)}` : 'none of these schemes');
  if (url.search !== '' || url.hash !== '' || (url.pathname !== '' && url.pathname !== '/')) {
    throw invalid('a path, a query or a fragment, which a proxy cannot have');
  }
  const host = asciiHost(url.hostname);
  const port = url.port === '' ? DEFAULT_PORTS[kind] : Number(url.port);
  if (port === 0) throw invalid('port 0');
  if (url.username === '' && url.password === '') return { kind, host, port };
  return { kind, host, port, username: decode(url.username, 'user name'), password: decode(url.password, 'password') };
}

function parse(given: string | URL): URL {
  try {
    return new URL(given);
  } catch {
    throw invalid('what is not an absolute URL');
  }
}

function hasScheme(given: string | URL): boolean {
  return /^\s*[a-z][a-z\d+.-]*:\/\//i.test(String(given));
}

function isKind(kind: string): kind is ProxyKind {
  return Object.hasOwn(DEFAULT_PORTS, kind);
}

/** The URL standard leaves the host of a scheme that it does not know as it is; read it as that of an http URL. */
function asciiHost(hostname: string): string {
  if (hostname === '') throw invalid('no host');
  let host;
  try {
    host = new URL(`http://${hostname}/`).hostname;
  } catch {
    throw invalid('a host that is none');
  }
  return withoutBrackets(host);
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    const rule = 'a % must be followed by two hex digits, and the bytes must be UTF-8; write a plain % as %25';
    throw misuse('MILLRACE_PROXY_URL_ENCODING', `the ${what} of a proxy's URL is not percent-encoded: ${rule}`);
  }
}

function invalid(got: string): Error {
  const expected = `${Object.keys(DEFAULT_PORTS).join(', ')} with ://[user[:password]@]host[:port]`;
  return misuse('MILLRACE_PROXY_URL_INVALID', `a proxy's URL must be ${expected}, got ${got}`);
}
