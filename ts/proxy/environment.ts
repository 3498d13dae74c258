import { describeValue } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import { NoProxy } from './no-proxy.js';
import { parseProxyUrl } from './proxy-url.js';
import type { ProxyUrl } from './proxy-url.js';

/** Whom a connection is for. */
export interface ProxyTarget {
  /** The scheme of its URL without the colon; of a bare connection `tcp`. */
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
}

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The variable of a scheme; every other has `ALL_PROXY` alone. */
const VARIABLES: Readonly<Record<string, string>> = {
  http: 'http_proxy',
  ws: 'http_proxy',
  https: 'https_proxy',
  wss: 'https_proxy',
};

/**
 * The proxy that the environment names for a target, or null for none.
 *
 * `HTTP_PROXY` is for http and ws, `HTTPS_PROXY` for https and wss, `ALL_PROXY` for what has none of its own; the name
 * in lower case comes before the one in upper case, and an empty value is none. `NO_PROXY` lists what is reached
 * directly (see {@link NoProxy}). A value without a scheme is an http proxy.
 *
 * Where `REQUEST_METHOD` is set the process is a CGI program, and `HTTP_PROXY` is what a client sent in its field
 * `Proxy` (httpoxy, CVE-2016-5385): it is ignored then. On Windows, where the case of names says nothing,
 * `http_proxy` is ignored with it.
 */
export function proxyFromEnvironment(
  target: ProxyTarget,
  environment: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
): ProxyUrl | null {
  if (typeof target !== 'object' || (target as unknown) === null || typeof target.host !== 'string') {
    const message = `proxyFromEnvironment: needs { scheme, host, port }, got ${describeValue(target)}`;
    throw misuse('MILLRACE_INVALID_ARGUMENT', message);
  }
  const own = VARIABLES[target.scheme];
  const value = (own && read(own, environment, platform)) || read('all_proxy', environment, platform);
  if (!value) return null;
  if (new NoProxy(read('no_proxy', environment, platform) ?? '').matches(target.host, target.port)) return null;
  return parseProxyUrl(value.includes('://') ? value : `http://${value}`);
}

function read(name: string, environment: Environment, platform: NodeJS.Platform): string | undefined {
  const isFromClient = name === 'http_proxy' && environment['REQUEST_METHOD'] !== undefined;
  const lower = isFromClient && platform === 'win32' ? undefined : environment[name];
  return lower?.trim() || (isFromClient ? undefined : environment[name.toUpperCase()]?.trim()) || undefined;
}
