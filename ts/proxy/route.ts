import { describeValue, quote } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import type { HeadersInput } from '../message/head-text.js';
import { headText } from '../message/head-text.js';
import { TlsContext } from '../tls/tls-context.js';
import { checkCredentials, passwordAlone } from './credentials.js';
import type { ProxyTarget } from './environment.js';
import { proxyFromEnvironment } from './environment.js';
import type { ProxyKind, ProxyUrl } from './proxy-url.js';
import { parseProxyUrl } from './proxy-url.js';

/** One proxy with what its URL cannot say. */
export interface ProxyHop {
  url: string | URL;
  /** In place of those of the URL. */
  username?: string | undefined;
  password?: string | undefined;
  /** Fields of the CONNECT request; of `http` and `https` alone. */
  headers?: HeadersInput | undefined;
  /** How TLS with the proxy is spoken; of `https` alone. */
  tls?: TlsContext | undefined;
}

/** A proxy, several that are dialled one through another, `'env'` for what the environment says, or null for none. */
export type ProxyOption = string | URL | ProxyHop | readonly (string | URL | ProxyHop)[] | null;

/** A proxy on the way to a target, checked. */
export interface RouteHop {
  readonly kind: ProxyKind;
  readonly host: string;
  readonly port: number;
  /** User name and password in UTF-8. */
  readonly credentials: readonly [Buffer, Buffer] | null;
  /** `name\0value\0…` */
  readonly fields: string;
  readonly tls: TlsContext | null;
}

/** The most proxies of a chain. */
export const MAX_HOPS = 8;

const HOP_OPTIONS = new Set(['url', 'username', 'password', 'headers', 'tls']);

/** The proxies that an option names for a target, in the order in which they are dialled; empty for none. */
export function routeOf(owner: string, option: ProxyOption | undefined, target: ProxyTarget): readonly RouteHop[] {
  if (option === undefined || option === null) return [];
  if (option === 'env') {
    const found = proxyFromEnvironment(target);
    return found === null ? [] : [hopOf(owner, found, {})];
  }
  const list = Array.isArray(option)
    ? (option as readonly (string | URL | ProxyHop)[])
    : [option as string | URL | ProxyHop];
  if (list.length > MAX_HOPS) {
    throw misuse(
      'MILLRACE_INVALID_ARGUMENT',
      `${owner}: option 'proxy' may name ${MAX_HOPS} proxies, got ${list.length}`,
    );
  }
  return list.map((one) => {
    if (typeof one === 'string' || one instanceof URL) return hopOf(owner, parseProxyUrl(one), {});
    if (typeof one !== 'object' || one === null || !('url' in one)) {
      const expected = 'a proxy URL, { url }, an array of them, "env" or null';
      throw misuse(
        'MILLRACE_INVALID_ARGUMENT',
        `${owner}: option 'proxy' must be ${expected}, got ${describeValue(one)}`,
      );
    }
    checkHop(owner, one);
    return hopOf(owner, parseProxyUrl(one.url), one);
  });
}

/** Refuses what is no proxy before there is a target. What `'env'` is to be is known with each target. */
export function checkProxy(owner: string, option: ProxyOption | undefined): void {
  if (option !== 'env') routeOf(owner, option, { scheme: 'tcp', host: '', port: 0 });
}

/** No value is shown: it may be a password. */
function checkHop(owner: string, hop: ProxyHop): void {
  for (const name of Object.keys(hop)) {
    if (HOP_OPTIONS.has(name)) continue;
    throw misuse('MILLRACE_UNKNOWN_OPTION', `${owner}: a proxy has no option ${quote(name)}`);
  }
  for (const name of ['username', 'password'] as const) {
    if (hop[name] === undefined || typeof hop[name] === 'string') continue;
    throw misuse(
      'MILLRACE_INVALID_ARGUMENT',
      `${owner}: '${name}' of a proxy must be a string, got ${typeof hop[name]}`,
    );
  }
}

/** A hop as an option names it. */
export function hopOption(hop: RouteHop): ProxyHop {
  const { credentials, fields, tls } = hop;
  const parts = fields.split('\0');
  const headers = parts
    .slice(0, -1)
    .flatMap((part, place): [string, string][] => (place % 2 === 0 ? [[part, parts[place + 1] ?? '']] : []));
  return {
    url: labelOf(hop),
    ...(credentials === null ? null : { username: credentials[0].toString(), password: credentials[1].toString() }),
    ...(headers.length === 0 ? null : { headers }),
    ...(tls === null ? null : { tls }),
  };
}

/** The proxy that the environment names for a target, as a URL with its credentials; null for none. */
export function environmentProxy(target: ProxyTarget): string | null {
  const found = proxyFromEnvironment(target);
  if (found === null) return null;
  const label = labelOf(found);
  const { username, password = '' } = found;
  if (username === undefined) return label;
  return label.replace('://', `://${encodeURIComponent(username)}:${encodeURIComponent(password)}@`);
}

/** How a proxy is named in messages: never with its credentials. */
export function labelOf({ kind, host, port }: Pick<ProxyUrl, 'kind' | 'host' | 'port'>): string {
  return `${kind}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function hopOf(owner: string, url: ProxyUrl, { username, password, headers, tls }: Partial<ProxyHop>): RouteHop {
  const { kind, host, port } = url;
  const isHttp = kind === 'http' || kind === 'https';
  if (headers !== undefined && !isHttp) {
    throw misuse('MILLRACE_INVALID_ARGUMENT', `${owner}: 'headers' of a proxy are of http and https, not of ${kind}`);
  }
  if (tls !== undefined && (kind !== 'https' || !(tls instanceof TlsContext) || tls.kind !== 'client')) {
    throw misuse(
      'MILLRACE_INVALID_ARGUMENT',
      `${owner}: 'tls' of a proxy must be a client's TlsContext of an https proxy`,
    );
  }
  const name = username ?? url.username;
  const secret = password ?? url.password ?? '';
  if (name !== undefined) checkCredentials(owner, kind, name, secret);
  else if (secret !== '') throw passwordAlone(owner);
  const credentials = name === undefined ? null : ([Buffer.from(name), Buffer.from(secret)] as const);
  return { kind, host, port, credentials, fields: headers === undefined ? '' : headText(headers), tls: tls ?? null };
}
