/** `millrace proxy`: a forward proxy on a port. */

import type { Level, ProxyServerOptions, ProxyServerStats } from '../index.js';
import { setLevel } from '../index.js';
import { integer, parsed } from './command-line.js';
import { Complaint } from './complaint.js';
import { DEFAULT_PROXY_PORT, openProxy, placeOf } from './open-proxy.js';
import { Counters, sumOf } from './proxy-counters.js';
import { proxyComplaint } from './proxy-complaint.js';
import { ruleOf } from './proxy-rules.js';
import type { ProxyOrders } from './proxy-worker.js';
import { untilSignal } from './signals.js';
import { Workers } from './workers.js';

const AUTH_VARIABLE = 'MILLRACE_PROXY_AUTH';
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** The help of this command. */
export const PROXY_HELP = `  millrace proxy [options]

    One port for SOCKS4, SOCKS4a, SOCKS5 and HTTP (CONNECT). Where others can reach it, it needs --auth, --allow or
    --open; and it then reaches no loopback, private or own address unless --allow-private.

    --port P              the port; ${DEFAULT_PROXY_PORT} unless given, or a free one when that is taken
    --host H              the address to listen on; 127.0.0.1 unless given, 0.0.0.0 for everybody
    --auth USER:PASSWORD  whom it serves; better in the variable ${AUTH_VARIABLE}, which others do not see
    --allow RULE          what it reaches, and nothing else: .example.com:443, 192.0.2.0/24, *:80,443, [2001:db8::]/32
    --deny RULE           what it does not; rules are asked in their order, and the first that matches decides
    --upstream URL        the proxy that it goes through, once for each of a chain; env: as the environment says
    --open                says that everybody who can reach it may use it
    --allow-private       lets loopback, private and own addresses be reached; on where only this host reaches the proxy
    --handshake-timeout MS, --connect-timeout MS, --idle-timeout MS, --total-timeout MS
    --max-connections N, --max-connections-per-ip N
    --workers N           N threads, each with a proxy of its own on the same port, and with limits of its own
    --log LEVEL           ${LEVELS.join(', ')}; debug has a line for each tunnel
    --interval MS         between two lines of counters: 500 on a terminal and 10000 elsewhere
`;

/** What runs, whatever runs it. */
interface Running {
  readonly place: string;
  readonly note: string;
  stats(): ProxyServerStats;
  /** Resolves with how many tunnels had to be cut. */
  close(timeout: number): Promise<number>;
}

/** Runs `millrace proxy`; resolves when it listens. */
export async function proxyCommand(args: string[]): Promise<void> {
  const { options, level, interval, workers } = readProxyArguments(args, process.env);
  if (level !== undefined) setLevel(level);
  let running: Running;
  try {
    running = await (workers === 0 ? runHere(options) : runThreads({ options, level }, workers));
  } catch (error) {
    throw proxyComplaint(error);
  }
  console.log(`millrace: a proxy listens at ${running.place}${running.note}`);
  const counters = new Counters(() => running.stats(), process.stdout, interval);
  untilSignal(async (timeout) => {
    const { ended } = running.stats().tunnels;
    const forced = await running.close(timeout);
    counters.stop();
    const finished = running.stats().tunnels.ended - ended - forced;
    console.log(`millrace: stopped; ${Math.max(0, finished)} finished meanwhile, ${forced} cut`);
  });
}

async function runHere(options: ProxyServerOptions): Promise<Running> {
  const { proxy, moved } = await openProxy(options);
  return {
    place: placeOf(proxy),
    note: moved,
    stats: () => proxy.stats(),
    close: async (timeout) => (await proxy.close({ timeout })).forced,
  };
}

async function runThreads(data: ProxyOrders, count: number): Promise<Running> {
  const { host, port } = data.options;
  const workers = await Workers.start({ program: 'proxy-worker.js', data }, { host, port }, count);
  return {
    place: workers.url,
    note: ` on ${count} ${count === 1 ? 'thread' : 'threads'}${workers.moved}`,
    stats: () => sumOf(workers.stats),
    close: async (timeout) => {
      await workers.close(timeout);
      return workers.forced;
    },
  };
}

/** The options that the arguments mean. */
export function readProxyArguments(
  args: string[],
  environment: NodeJS.ProcessEnv,
): { options: ProxyServerOptions; level: Level | undefined; interval: number | undefined; workers: number } {
  const { values, tokens } = parse(args);
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
  const workers = values.workers === undefined ? 0 : integer('--workers', values.workers, 1, 256);
  return { options, level: log as Level | undefined, interval, workers };
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

function parse(args: string[]) {
  const text = { type: 'string' } as const;
  const many = { type: 'string', multiple: true } as const;
  const flag = { type: 'boolean', default: false } as const;
  return parsed(
    {
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
        workers: { type: 'string', short: 'w' },
        log: text,
        interval: text,
      },
    },
    (said) => `${said}\nmillrace proxy --help lists what there is`,
  );
}

/** What came is not repeated: it may be a password. */
function credentialsOf(text: string): { username: string; password: string } {
  const colon = text.indexOf(':');
  if (colon < 1) throw new Complaint(`--auth (or ${AUTH_VARIABLE}) must be user:password`, 2);
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
