// Each phase of a request has its timeout: said by the client, said by the request, which goes before, shorter or longer.
import type { LookupFunction } from 'node:net';

import type { ClientOptions, MillraceError, RequestOptions, Timeouts } from '../../ts/index.js';
import { Client } from '../../ts/index.js';
import { until } from '../support/condition.js';
import type { ScriptedServer } from '../support/scripted-server.js';
import { onRequests, scriptedServer } from '../support/scripted-server.js';
import { NO_UNACCEPTING, unaccepting } from '../support/unaccepting.js';
import { tellSkipped } from '../support/where.js';

type Phase = keyof Timeouts;

/** Where a phase does not end by itself: what is asked for, of a client with these options, and how it is told. */
interface Stage {
  readonly code: string;
  readonly url: string;
  readonly options?: RequestOptions;
  readonly own?: ClientOptions;
  /** Begins what the request has to wait for. */
  readonly before?: (client: Client) => Promise<unknown>;
  readonly end?: () => Promise<void>;
}

const LIMIT = 40;
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n';
const silence: LookupFunction = () => undefined;
const endings: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

async function server(onConnection: Parameters<typeof scriptedServer>[0] = () => undefined): Promise<ScriptedServer> {
  const made = await scriptedServer(onConnection);
  endings.push(made.end);
  return made;
}

const STAGES: Record<Phase, () => Promise<Stage>> = {
  acquire: async () => {
    const { url } = await server();
    const before = async (client: Client): Promise<void> => {
      client.request(url, { timeouts: { acquire: 60_000 } }).catch(() => undefined);
      await until(() => client.stats().running === 1);
    };
    return { code: 'MILLRACE_ACQUIRE_TIMEOUT', url, own: { pool: { maxConnectionsPerOrigin: 1 } }, before };
  },
  dns: () => Promise.resolve({ code: 'MILLRACE_DNS_TIMEOUT', url: 'http://name.test/', own: { resolver: silence } }),
  connect: async () => {
    const nobody = await unaccepting();
    endings.push(() => nobody.end());
    return { code: 'MILLRACE_CONNECT_TIMEOUT', url: `http://127.0.0.1:${nobody.port}/` };
  },
  tls: async () => ({
    code: 'MILLRACE_TLS_TIMEOUT',
    url: (await server()).url.replace('http:', 'https:'),
  }),
  proxy: async () => ({
    code: 'MILLRACE_PROXY_TIMEOUT',
    url: 'http://127.0.0.1:9/',
    own: { proxy: `socks5://127.0.0.1:${(await server()).port}` },
  }),
  send: async () => ({
    code: 'MILLRACE_SEND_TIMEOUT',
    url: (await server((socket) => socket.pause())).url,
    options: { method: 'POST', body: Buffer.alloc(32 << 20) },
  }),
  headers: async () => ({ code: 'MILLRACE_RESPONSE_TIMEOUT', url: (await server()).url }),
  body: async () => ({
    code: 'MILLRACE_RESPONSE_BODY_TIMEOUT',
    url: (await server((socket) => onRequests(socket, () => socket.write(`${HEAD}o`)))).url,
  }),
  total: async () => ({ code: 'MILLRACE_TOTAL_TIMEOUT', url: (await server()).url }),
};

if (NO_UNACCEPTING !== undefined) tellSkipped(`: the phase connect: ${NO_UNACCEPTING}`);
const phases = (Object.keys(STAGES) as Phase[]).filter((phase) => phase !== 'connect' || NO_UNACCEPTING === undefined);

describe.each(phases)('%s', (phase) => {
  test.each<[string, Timeouts | undefined, Timeouts | undefined]>([
    ['its client says it', { [phase]: LIMIT }, undefined],
    ['the request says it', undefined, { [phase]: LIMIT }],
    ['the request says a shorter one than its client', { [phase]: 60_000 }, { [phase]: LIMIT }],
  ])('expires where %s', async (_, ofClient, ofRequest) => {
    const { code, url, own, options, before } = await STAGES[phase]();
    const client = new Client({ ...own, ...(ofClient === undefined ? null : { timeouts: ofClient }) });
    await before?.(client);
    const began = performance.now();
    const asked = client.request(url, { ...options, ...(ofRequest === undefined ? null : { timeouts: ofRequest }) });
    const error = (await asked.then((response) => response.text()).catch((reason: unknown) => reason)) as MillraceError;
    expect(performance.now() - began).toBeGreaterThanOrEqual(LIMIT - 2);
    expect(error).toMatchObject({
      code,
      kind: 'timeout',
      category: 'timeout',
      limit: { option: `timeouts.${phase}`, value: LIMIT },
    });
    expect(error.phase ?? 'total').toBe(phase);
    expect(error.message).toContain(String(LIMIT));
    client.destroy();
  });

  test('a longer one of the request goes before that of its client', async () => {
    const { url, own, options, before } = await STAGES[phase]();
    const client = new Client({ ...own, timeouts: { [phase]: LIMIT } });
    await before?.(client);
    const controller = new AbortController();
    const asked = client
      .request(url, { ...options, timeouts: { [phase]: 60_000 }, signal: controller.signal })
      .then((response) => response.text())
      .catch((reason: unknown) => reason);
    // It is under way when its client's time has been over for long.
    const other = new Promise((resolve) => setTimeout(resolve, 3 * LIMIT, 'still there'));
    expect(await Promise.race([asked, other])).toBe('still there');
    controller.abort();
    expect(await asked).toMatchObject({ name: 'AbortError' });
    client.destroy();
  });
});

test('every timeout that there is has its phase here', () => {
  const { options } = jest.requireActual<{ options: { name: string }[] }>('../../ts/options/timeouts.json');
  expect(Object.keys(STAGES).sort()).toEqual(options.map(({ name }) => name).sort());
});
