// A resolver where Node wants a function of the shape of dns.lookup, and such a function where we want a resolver.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import * as dns from 'node:dns';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect as connectNode } from 'node:net';

import type { LookupFunction, LogRecord, ServerResponse } from '../../ts/index.js';
import { connect, Resolver, setLevel, setLogger } from '../../ts/index.js';
import type { DnsScript } from '../support/dns-server.js';
import { fromZone, RCODE } from '../support/dns-server.js';
import { dnsServer, endsNamesWithTheTest } from '../support/name-service.js';
import { endsWithItsTest, start } from '../support/test-server.js';

endsNamesWithTheTest();
endsWithItsTest();

const ok = (_req: unknown, res: ServerResponse): unknown => res.end('ok');
const ZONE = { 'a.test': ['127.0.0.1'], 'both.test': ['192.0.2.1', '2001:db8::1'] };

async function resolver(script: DnsScript = fromZone(ZONE)): Promise<Resolver> {
  return new Resolver({ servers: [(await dnsServer(script)).address] });
}

/** What a lookup function answers with. */
function asked(lookup: LookupFunction, host: string, options: unknown): Promise<unknown[]> {
  return new Promise((resolve) => lookup(host, options as object, (...answer: unknown[]) => resolve(answer)));
}

describe('resolver.lookup', () => {
  test('answers as dns.lookup does', async () => {
    const { lookup } = await resolver();
    const all = [
      { address: '2001:db8::1', family: 6 },
      { address: '192.0.2.1', family: 4 },
    ];
    expect(await asked(lookup, 'both.test', { all: true, order: 'ipv6first' })).toEqual([null, all]);
    expect(await asked(lookup, 'both.test', { all: true, order: 'ipv4first' })).toEqual([null, [all[1], all[0]]]);
    expect(await asked(lookup, 'both.test', { all: true, verbatim: false })).toEqual([null, [all[1], all[0]]]);
    expect(await asked(lookup, 'both.test', { family: 6 })).toEqual([null, '2001:db8::1', 6]);
    expect(await asked(lookup, 'both.test', { family: 'IPv4' })).toEqual([null, '192.0.2.1', 4]);
    expect(await asked(lookup, 'both.test', 4)).toEqual([null, '192.0.2.1', 4]);
    expect(await asked(lookup, '127.0.0.1', {})).toEqual(await asked(dns.lookup as LookupFunction, '127.0.0.1', {}));
    const two = lookup as unknown as (host: string, callback: (...answer: unknown[]) => void) => void;
    expect(await new Promise((resolve) => two('a.test', (...answer) => resolve(answer)))).toEqual([
      null,
      '127.0.0.1',
      4,
    ]);
    expect(() => two('a.test', undefined as never)).toThrow(TypeError);
  });

  test('fails as dns.lookup does, with our error as the cause', async () => {
    const { lookup } = await resolver(({ name }) => ({
      rcode: name === 'gone.test' ? RCODE.NXDOMAIN : RCODE.SERVFAIL,
    }));
    const [gone] = await asked(lookup, 'gone.test', {});
    expect(gone).toMatchObject({ code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'gone.test' });
    expect((gone as Error).cause).toMatchObject({ code: 'MILLRACE_DNS_NOT_FOUND' });
    const [failed] = await asked(lookup, 'a.test', {});
    expect(failed).toMatchObject({ code: 'EAI_AGAIN', message: 'getaddrinfo EAI_AGAIN a.test' });
    expect((failed as Error).cause).toMatchObject({ code: 'MILLRACE_DNS_FAILED', cause: { code: 'ESERVFAIL' } });
    const [invalid] = await asked(lookup, 'a b', {});
    expect(invalid).toMatchObject({ code: 'MILLRACE_DNS_NAME_INVALID' });
  });

  test('serves an http.Agent and net.connect', async () => {
    const server = await start({ handler: ok });
    const names = await resolver();
    const agent = new Agent({ lookup: names.lookup });
    const [response] = await once(get({ host: 'a.test', port: server.port, agent }), 'response');
    expect(response.statusCode).toBe(200);
    response.resume();
    await once(response, 'end');
    agent.destroy();
    for (const autoSelectFamily of [true, false]) {
      const socket = connectNode({
        host: 'a.test',
        port: server.port,
        lookup: names.lookup,
        autoSelectFamily,
      });
      await once(socket, 'connect');
      socket.destroy();
    }
    expect(names.stats()).toMatchObject({ lookups: 3, hits: 2 });
  });
});

describe('connect', () => {
  async function reaches(over: unknown, host = 'a.test'): Promise<string> {
    const server = await start({ handler: ok });
    const socket = await connect({ host, port: server.port, resolver: over as Resolver });
    const { remoteAddress } = socket;
    socket.destroy();
    return remoteAddress;
  }
  const answering =
    (answer: unknown, family?: number): LookupFunction =>
    (_host, _options, callback) =>
      callback(null, answer as string, family);

  test('asks a Resolver', async () => {
    const names = await resolver();
    expect(await reaches(names)).toBe('127.0.0.1');
    await expect(reaches(names, 'gone.test')).rejects.toMatchObject({ code: 'MILLRACE_DNS_NOT_FOUND', phase: 'dns' });
    expect(names.stats()).toMatchObject({ lookups: 2, notFound: 1 });
  });

  test.each<[string, unknown]>([
    ['one address', answering('127.0.0.1', 4)],
    ['a list', answering([{ address: '127.0.0.1', family: 4 }])],
    ['a list of texts', answering(['127.0.0.1'])],
    [
      'some that are none',
      answering([null, { address: 7 }, { address: 'nowhere' }, { address: '127.0.0.1', family: 6 }]),
    ],
    [
      'an answer in the same turn, and then another',
      (_h: string, _o: object, back: (...a: unknown[]) => void) => (
        back(null, '127.0.0.1', 4),
        back(new Error('late'))
      ),
    ],
    ['a method of its own', { lookup: answering('127.0.0.1', 4) }],
  ])('asks a function of the shape of dns.lookup that gives %s', async (_what, over) => {
    expect(await reaches(over)).toBe('127.0.0.1');
  });

  test('gives such a function what dns.lookup is given, and nothing for a literal', async () => {
    const seen: unknown[] = [];
    const lookup: LookupFunction = (host, options, callback) => {
      seen.push([host, options]);
      callback(null, '127.0.0.1', 4);
    };
    const server = await start({ handler: ok });
    for (const host of ['any_name!', '127.0.0.1']) {
      (await connect({ host, port: server.port, resolver: lookup, family: 4 })).destroy();
    }
    expect(seen).toEqual([['any_name!', { all: true, family: 4, order: 'verbatim', verbatim: true }]]);
  });

  const failing =
    (error: unknown): LookupFunction =>
    (_host, _options, callback) =>
      callback(error as Error, '');
  test.each<[string, string, LookupFunction]>([
    ['an error', 'MILLRACE_DNS_FAILED', failing(new Error('on purpose'))],
    ['a name that is not there', 'MILLRACE_DNS_NOT_FOUND', failing(Object.assign(new Error(), { code: 'ENOTFOUND' }))],
    ['something that is no error', 'MILLRACE_DNS_FAILED', failing('no error')],
    ['no address', 'MILLRACE_DNS_NOT_FOUND', answering([])],
    ['no list', 'MILLRACE_DNS_FAILED', answering({ length: 1 })],
    ['text that is no address', 'MILLRACE_DNS_FAILED', answering('127.0.0.1\0', 4)],
    ['nothing', 'MILLRACE_DNS_FAILED', answering(undefined)],
    [
      'an exception',
      'MILLRACE_DNS_FAILED',
      () => {
        throw new Error('on purpose');
      },
    ],
  ])('fails when the function gives %s', async (_what, code, lookup) => {
    await expect(reaches(lookup)).rejects.toMatchObject({ code, phase: 'dns', hostname: 'a.test' });
  });

  test('does not take an address of the family that was not asked for', async () => {
    const call = connect({ host: 'a.test', port: 1, family: 6, resolver: answering('127.0.0.1', 6) });
    await expect(call).rejects.toMatchObject({
      code: 'MILLRACE_DNS_FAILED',
      message: expect.stringContaining('not an IPv6 address'),
    });
  });

  test('does not wait for ever for such a function, nor after an abort', async () => {
    const never: LookupFunction = () => undefined;
    const timed = connect({ host: 'a.test', port: 1, resolver: never, timeouts: { dns: 30 } });
    await expect(timed).rejects.toMatchObject({
      code: 'MILLRACE_DNS_TIMEOUT',
      limit: { option: 'timeouts.dns', value: 30 },
    });
    const abort = new AbortController();
    const aborted = connect({ host: 'a.test', port: 1, resolver: never, signal: abort.signal });
    setImmediate(() => abort.abort());
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('refuses what is no resolver, and a host that is none', async () => {
    for (const none of [{}, 7, 'system']) {
      await expect(reaches(none)).rejects.toMatchObject({ code: 'MILLRACE_INVALID_ARGUMENT' });
    }
    await expect(connect({ host: 'a b', port: 1 })).rejects.toMatchObject({ code: 'MILLRACE_DNS_NAME_INVALID' });
  });

  test('resolves by the resolver of the thread without one of its own', async () => {
    const server = await start({ handler: ok });
    const socket = await connect({ host: 'a.localhost', port: server.port });
    expect(socket.remoteAddress).toBe('127.0.0.1');
    socket.destroy();
  });
});

describe('what happens is told', () => {
  const CHANNELS = ['start', 'finish', 'error'].map((event) => `millrace:dns:lookup:${event}`);

  test('to channels, from the beginning to the one end of a lookup', async () => {
    const names = await resolver();
    const told: [string, Record<string, unknown>][] = [];
    const listen = (message: unknown, name: unknown): void =>
      void told.push([String(name).slice(20), message as Record<string, unknown>]);
    for (const name of CHANNELS) subscribe(name, listen);
    try {
      await names.resolve('both.test', { family: 4 });
      await names.resolve('gone.test').catch(() => undefined);
      await names.resolve('a b').catch(() => undefined);
      await connect({ host: 'c.test', port: 1, resolver: (_h, _o, back) => back(new Error('on purpose'), '') }).catch(
        () => undefined,
      );
    } finally {
      for (const name of CHANNELS) unsubscribe(name, listen);
    }
    expect(told.map(([event]) => event)).toEqual([
      'start',
      'finish',
      'start',
      'error',
      'start',
      'error',
      'start',
      'error',
    ]);
    expect(told[0]?.[1]).toEqual({ host: 'both.test', family: 4 });
    expect(told[1]?.[1]).toEqual({
      lookup: told[0]?.[1],
      addresses: [{ address: '192.0.2.1', family: 4, ttl: 300_000 }],
      duration: expect.any(Number),
    });
    expect(told[1]?.[1].lookup).toBe(told[0]?.[1]);
    expect(told[3]?.[1]).toMatchObject({ lookup: { host: 'gone.test' }, error: { code: 'MILLRACE_DNS_NOT_FOUND' } });
  });

  test('to the log at debug, when a question failed', async () => {
    const said: LogRecord[] = [];
    setLogger((record) => said.push(record));
    setLevel('debug');
    try {
      const names = await resolver(() => ({ rcode: RCODE.SERVFAIL }));
      await names.resolve('a.test').catch(() => undefined);
    } finally {
      setLogger(null);
      setLevel('warn');
    }
    expect(said).toEqual([
      expect.objectContaining({
        level: 'debug',
        component: 'dns',
        message: 'a name could not be resolved',
        fields: { host: 'a.test', stale: false, err: expect.objectContaining({ code: 'ESERVFAIL' }) },
      }),
    ]);
  });
});
