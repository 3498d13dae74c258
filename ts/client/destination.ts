import { withoutBrackets } from '../dns/host-text.js';
import { quote } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import type { OriginPool } from '../pool/origin-pool.js';
import type { Settings } from './settings.js';

/** An origin that requests go to, with what is known of it. */
export interface Destination {
  readonly scheme: 'http' | 'https';
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** As Host has it: the port only where it is not the scheme's. */
  readonly authority: string;
  readonly origin: string;
  /** What holds for its requests unless they say otherwise. */
  readonly settings: Settings;
  /** The connections of requests that say nothing of proxies and the like. */
  pool: OriginPool | undefined;
  /** The number of the fields that each request has, by whether codings are offered; 0: not asked yet. */
  fields: number[];
}

/** What responses and messages show of a URL: all but its user information. */
export function shownUrl(given: string | URL): string {
  const text = typeof given === 'string' ? given : given.href;
  if (!text.includes('@')) return text;
  const url = new URL(text);
  if (url.username === '' && url.password === '') return text;
  url.username = '';
  url.password = '';
  return url.href;
}

/** The same of what is no URL: what stands in front of the last @ might be a password. */
function hidden(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/*|\/+)?.*@/is, '$1…@');
}

/** Where a request goes. */
export interface RequestTarget {
  /** The URL as it was given. */
  readonly url: string | URL;
  readonly destination: Destination;
  /** Path and query, as they are sent. */
  readonly target: string;
  /** User name and password of the URL. */
  readonly userinfo: string;
}

/** What holds for an origin. */
type SettingsOf = (scheme: string, host: string, port: number) => Settings;

/** Paths that the URL standard would leave as they are, but for dot segments. */
const PLAIN = /^\/[!$&(-;=?@A-Z_a-z~%]*$/;
/** How many origins are remembered by text. */
const MOST = 1024;

/** Reads URLs; the origins of those that were read before are not read again. */
export class Destinations {
  private readonly _known = new Map<string, Destination>();
  private readonly _settingsOf: SettingsOf;
  private _last: string | undefined;
  private _lastTarget: RequestTarget | undefined;

  constructor(settingsOf: SettingsOf) {
    this._settingsOf = settingsOf;
  }

  /** Throws `MILLRACE_URL_INVALID` for what is no URL of http or https. */
  targetOf(url: string | URL): RequestTarget {
    if (url === this._last) return this._lastTarget as RequestTarget;
    if (typeof url !== 'string') return this.read(url);
    const target = this.quick(url) ?? this.read(url);
    this._last = url;
    this._lastTarget = target;
    return target;
  }

  /** Forgets what is remembered of all origins. */
  clear(): void {
    this._known.clear();
    this._last = this._lastTarget = undefined;
  }

  private quick(url: string): RequestTarget | undefined {
    const end = url.indexOf('/', 8);
    const destination = this._known.get(end < 0 ? url : url.slice(0, end));
    if (destination === undefined) return undefined;
    const target = end < 0 ? '/' : url.slice(end);
    if (!PLAIN.test(target) || target.includes('/.') || target.includes('/%2')) return undefined;
    return { url, destination, target, userinfo: '' };
  }

  private read(given: string | URL): RequestTarget {
    let url: URL;
    try {
      url = new URL(given);
    } catch {
      throw misuse('MILLRACE_URL_INVALID', `a request needs an absolute URL, got ${quote(hidden(String(given)))}`);
    }
    const { protocol, hostname, port, pathname, search, username, password } = url;
    if (protocol !== 'http:' && protocol !== 'https:') {
      throw misuse('MILLRACE_URL_INVALID', `a request's URL must be of http or https, got ${quote(protocol)}`);
    }
    const text = `${protocol}//${url.host}`;
    let destination = this._known.get(text);
    if (destination === undefined) {
      const scheme = protocol === 'http:' ? 'http' : 'https';
      const host = withoutBrackets(hostname);
      const number = port === '' ? (scheme === 'http' ? 80 : 443) : Number(port);
      destination = {
        scheme,
        host,
        port: number,
        authority: url.host,
        origin: text,
        settings: this._settingsOf(scheme, host, number),
        pool: undefined,
        fields: [0, 0],
      };
      if (this._known.size >= MOST) this._known.delete(this._known.keys().next().value as string);
      this._known.set(text, destination);
    }
    const userinfo = username === '' && password === '' ? '' : `${username}:${password}`;
    return { url: given, destination, target: pathname + search, userinfo };
  }
}
