/** `millrace proxy`: a forward proxy on a port. */
import { constants } from 'node:os';
import { parseArgs } from 'node:util';

import type { Level, ProxyServer, ProxyServerOptions } from '../index.js';
import { createProxyServer, MillraceError, setLevel } from '../index.js';
import { Complaint, complaintOf } from './complaint.js';
import { Counters } from './proxy-counters.js';
import { ruleOf } from './proxy-rules.js';
import { untilSignal } from './signals.js';

const DEFAULT_PORT = 1080;
const AUTH_VARIABLE = 'MILLRACE_PROXY_AUTH';
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** The help of this command. */
export const PROXY_HELP = `  millrace proxy [options]

    One port for SOCKS4, SOCKS4a, SOCKS5 and HTTP (CONNECT). Where others can reach it, it needs --auth, --allow or
    --open; and it then reaches no loopback, private or own address unless --allow-private.

    --port P              the port; ${DEFAULT_PORT} unless given, or a free one when that is taken
    --host H              the address to listen on; 127.0.0.1 unless given, 0.0.0.0 for everybody
    --auth USER:PASSWORD  whom it serves; better in the variable ${AUTH_VARIABLE}, which others do not see
    --allow RULE          what it reaches, and nothing else: .example.com:443, 192.0.2.0/24, *:80,443, [2001:db8::]/32
    --deny RULE           what it does not; rules are asked in their order, and the first that matches decides
    --upstream URL        the proxy that it goes through, once for each of a chain; env: as the environment says
    --open                says that everybody who can reach it may use it
    --allow-private       lets loopback, private and own addresses be reached; on where only this host reaches the proxy
    --handshake-timeout MS, --connect-timeout MS, --idle-timeout MS, --total-timeout MS
    --max-connections N, --max-connections-per-ip N
    --log LEVEL           ${LEVELS.join(', ')}; debug has a line for each tunnel
    --interval MS         between two lines of counters: 500 on a terminal and 10000 elsewhere
`;

/** Runs `millrace proxy`; resolves when it listens. */
export async function proxyCommand(args: string[]): Promise<void> {
  const { options, level, interval } = readProxyArguments(args, process.env);
  if (level !== undefined) setLevel(level);
  let opened: { proxy: ProxyServer; moved: string };
  try {
    opened = await openProxy(options);
  } catch (error) {
    throw complaintOf(error);
  }
  const { proxy, moved } = opened;
  console.log(`millrace: a proxy listens at ${placeOf(proxy)}${moved}`);
  const counters = new Counters(() => proxy.stats(), process.stdout, interval);
  untilSignal(async (timeout) => {
    const { ended } = proxy.stats().tunnels;
    const { forced } = await proxy.close({ timeout });
    counters.stop();
    const finished = proxy.stats().tunnels.ended - ended - forced;
    console.log(`millrace: stopped; ${Math.max(0, finished)} finished meanwhile, ${forced} cut`);
  });
}

/** A proxy on the port that was asked for, or else on the usual one or a free one. */
export async function openProxy(options: ProxyServerOptions): Promise<{ proxy: ProxyServer; moved: string }> {
  try {
    return { proxy: await createProxyServer({ port: DEFAULT_PORT, ...options }), moved: '' };
  } catch (error) {
    const isTaken = error instanceof MillraceError && error.errno === -constants.errno.EADDRINUSE;
    if (!isTaken) throw error;
    if (options.port !== undefined)
      throw new Complaint(`port ${options.port} of ${options.host ?? '127.0.0.1'} is taken`);
    return { proxy: await createProxyServer({ ...options, port: 0 }), moved: ` (port ${DEFAULT_PORT} is taken)` };
  }
}

function placeOf(proxy: ProxyServer): string {
  const place = proxy.address();
  if (place === null || typeof place === 'string') return String(place);
  return `${place.address.includes(':') ? `[${place.address}]` : place.address}:${place.port}`;
}

/** The options that the arguments mean. */
export function readProxyArguments(
  args: string[],
  environment: NodeJS.ProcessEnv,
): { options: ProxyServerOptions; level: Level | undefined; interval: number | undefined } {
  const { values, tokens } = parsed(args);
  const rules = tokens.flatMap((token) =>
    token.kind === 'option' && (token.name === 'allow' || token.name === 'deny')
      ? [ruleOf(token.name, String(token.value))]
      : [],
  );
  const auth = values.auth ?? environment[AUTH_VARIABLE];
  const { log, upstream } = values;
  if (log !== undefined && !LEVELS.includes(log)) {
    throw new Complaint(`--log must be one of ${LEVELS.join(', ')}; got ${JSON.stringify(log)}`, 2);
  }
  const numbers = Object.entries(NUMBERS).flatMap(([name, [option, from, to]]) => {
    const text = values[name as keyof typeof NUMBERS];
    return text === undefined ? [] : [[option, integer(`--${name}`, text, from, to)] as const];
  });
  const options: ProxyServerOptions = {
    ...(Object.fromEntries(numbers) as ProxyServerOptions),
    ...(values.host === undefined ? null : { host: values.host }),
    ...(auth === undefined ? null : { auth: credentialsOf(auth) }),
    ...(rules.length === 0 ? null : { rules }),
    ...(upstream === undefined
      ? null
      : { upstream: upstream.length === 1 && upstream[0] === 'env' ? 'env' : upstream }),
    ...(values.open ? { open: true } : null),
    ...(values['allow-private'] ? { allowPrivate: true } : null),
  };
  const interval = values.interval === undefined ? undefined : integer('--interval', values.interval, 10, MOST_MS);
  return { options, level: log as Level | undefined, interval };
}

const MOST_MS = 2_147_483_647;
const MOST_CONNECTIONS = 2_097_151;

/** Options that are numbers: the name of each, and its range. */
const NUMBERS = {
  port: ['port', 0, 65_535],
  'handshake-timeout': ['handshakeTimeout', 1, MOST_MS],
  'connect-timeout': ['connectTimeout', 1, MOST_MS],
  'idle-timeout': ['idleTimeout', 1, MOST_MS],
  'total-timeout': ['totalTimeout', 1, MOST_MS],
  'max-connections': ['maxConnections', 1, MOST_CONNECTIONS],
  'max-connections-per-ip': ['maxConnectionsPerIp', 1, MOST_CONNECTIONS],
} as const satisfies Record<string, readonly [keyof ProxyServerOptions, number, number]>;

function parsed(args: string[]) {
  const text = { type: 'string' } as const;
  const many = { type: 'string', multiple: true } as const;
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({
      args,
      tokens: true,
      options: {
        port: { type: 'string', short: 'p' },
        host: text,
        auth: text,
        allow: many,
        deny: many,
        upstream: many,
        open: flag,
        'allow-private': flag,
        'handshake-timeout': text,
        'connect-timeout': text,
        'idle-timeout': text,
        'total-timeout': text,
        'max-connections': text,
        'max-connections-per-ip': text,
        log: text,
        interval: text,
      },
    });
  } catch (error) {
    throw new Complaint(`${(error as Error).message}\nmillrace proxy --help lists what there is`, 2);
  }
}

/** What came is not repeated: it may be a password. */
function credentialsOf(text: string): { username: string; password: string } {
  const colon = text.indexOf(':');
  if (colon < 1) throw new Complaint(`--auth (or ${AUTH_VARIABLE}) must be user:password`, 2);
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function integer(option: string, text: string, from: number, to: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (value >= from && value <= to) return value;
  throw new Complaint(`${option} must be an integer from ${from} to ${to}, got ${JSON.stringify(text)}`, 2);
}
