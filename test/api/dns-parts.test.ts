// What a dialler is given, and when: RFC 8305 §3, with the two answers of a name server held back as the test wants.
import type { AddressParts } from '../../ts/dns/names.js';
import { deferred } from '../support/condition.js';
import type { DnsReply } from '../support/dns-server.js';
import { RCODE, record, TYPE } from '../support/dns-server.js';
import {
  endsNamesWithTheTest,
  fakeTime,
  namesOver,
  nameService,
  systemFiles,
  untilTurned,
} from '../support/name-service.js';

endsNamesWithTheTest();

const V4: DnsReply = { records: [record('192.0.2.1', 60)] };
const V6: DnsReply = { records: [record('2001:db8::1', 30)] };
const NONE: DnsReply = { records: [] };
const FAILED: DnsReply = { rcode: RCODE.SERVFAIL };

/** A lookup in parts whose answers come when they are given; `told` is what the dialler has. */
async function held(timeout = 5_000) {
  const time = fakeTime();
  const answers = { 4: deferred<DnsReply>(), 6: deferred<DnsReply>() };
  const { names, server } = await namesOver(({ type }) => answers[type === TYPE.A ? 4 : 6].promise);
  const abort = new AbortController();
  const call = names.resolveParts('a.test', { timeout, signal: abort.signal });
  let parts: AddressParts | null = null;
  let failure: unknown = null;
  call.then(
    (value) => (parts = value),
    (error: unknown) => (failure = error),
  );
  await untilTurned(() => server.questions.length === 2);
  return {
    time,
    names,
    server,
    abort,
    /** Gives the answer, and waits until it must have come: the next one over the same loop has. */
    async give(family: 4 | 6, reply: DnsReply): Promise<void> {
      answers[family].resolve(reply);
      const probe = nameService([server], { mode: 'dns' });
      const { script } = server;
      server.script = (question) => (question.name === 'probe.test' ? NONE : script(question));
      await probe.resolve('probe.test').catch(() => undefined);
      // Both may have come in the same turn of the loop.
      for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    },
    first: (): string[] | undefined => parts?.first.map(({ address }) => address),
    rest: () => parts?.rest,
    stop: () => parts?.stop(),
    failure: () => failure,
    settled: () => untilTurned(() => parts !== null || failure !== null),
  };
}

test('IPv6 that comes first is given at once, and IPv4 later', async () => {
  const lookup = await held();
  await lookup.give(6, V6);
  await lookup.settled();
  expect(lookup.first()).toEqual(['2001:db8::1']);
  await lookup.give(4, V4);
  expect(await lookup.rest()).toEqual([{ address: '192.0.2.1', family: 4, ttl: 60_000 }]);
});

test('IPv4 that comes first waits 50 ms, and IPv6 comes later', async () => {
  const lookup = await held();
  await lookup.give(4, V4);
  lookup.time.pass(49);
  await lookup.give(4, V4);
  expect(lookup.first()).toBeUndefined();
  lookup.time.pass(1);
  await lookup.settled();
  expect(lookup.first()).toEqual(['192.0.2.1']);
  await lookup.give(6, V6);
  expect(await lookup.rest()).toEqual([{ address: '2001:db8::1', family: 6, ttl: 30_000 }]);
});

test('IPv4 that comes first is given with IPv6 when that comes within 50 ms', async () => {
  const lookup = await held();
  await lookup.give(4, V4);
  lookup.time.pass(49);
  await lookup.give(6, V6);
  await lookup.settled();
  expect([lookup.first(), lookup.rest()]).toEqual([['2001:db8::1', '192.0.2.1'], null]);
});

test.each([
  ['there is no IPv6', 4, V4, 6, NONE, ['192.0.2.1']],
  ['the question for IPv6 failed', 4, V4, 6, FAILED, ['192.0.2.1']],
  ['there is no IPv4', 6, V6, 4, NONE, ['2001:db8::1']],
] as const)('nobody waits when %s', async (_what, family, reply, other, nothing, list) => {
  const lookup = await held();
  await lookup.give(other, nothing);
  await lookup.give(family, reply);
  await lookup.settled();
  expect(lookup.first()).toEqual(list);
  expect((await lookup.rest()) ?? []).toEqual([]);
});

test('that there is none of one family is waited out for the other', async () => {
  const lookup = await held();
  await lookup.give(6, NONE);
  lookup.time.pass(1_000);
  expect(lookup.first()).toBeUndefined();
  await lookup.give(4, NONE);
  await lookup.settled();
  expect(lookup.failure()).toMatchObject({ code: 'MILLRACE_DNS_NOT_FOUND' });
});

test('a family that does not come is no failure: the rest is empty when the time is over', async () => {
  const lookup = await held(1_000);
  await lookup.give(6, V6);
  await lookup.settled();
  lookup.time.pass(1_000);
  expect(await lookup.rest()).toEqual([]);
  expect(lookup.names.stats()).toMatchObject({ pending: 0, timeouts: 0, entries: 1 });
});

test('a dialler that needs no more stops the question, and what came is kept', async () => {
  const lookup = await held();
  await lookup.give(6, V6);
  await lookup.settled();
  expect(lookup.names.stats().pending).toBe(1);
  lookup.stop();
  expect(await lookup.rest()).toEqual([]);
  expect(lookup.names.stats()).toMatchObject({ pending: 0, entries: 1 });
  // The other family is missing, so not for long.
  expect(await lookup.names.resolve('a.test')).toEqual([{ address: '2001:db8::1', family: 6, ttl: 5_000 }]);
});

test('an aborted dialler has no rest, and one that waits is rejected', async () => {
  const lookup = await held();
  await lookup.give(6, V6);
  await lookup.settled();
  lookup.abort.abort();
  expect(await lookup.rest()).toEqual([]);
  const waiting = await held();
  waiting.abort.abort();
  await waiting.settled();
  expect(waiting.failure()).toMatchObject({ name: 'AbortError' });
  expect(waiting.names.stats().pending).toBe(0);
});

test('what is known is given in one part', async () => {
  const { names } = await namesOver(
    ({ type }) => (type === TYPE.A ? V4 : V6),
    {},
    systemFiles({ hosts: '192.0.2.7 b.test' }).files,
  );
  for (const [host, list] of [
    ['192.0.2.9', ['192.0.2.9']],
    ['localhost', ['::1', '127.0.0.1']],
    ['b.test', ['192.0.2.7']],
  ] as const) {
    const parts = await names.resolveParts(host);
    expect([parts.first.map(({ address }) => address), parts.rest]).toEqual([list, null]);
    parts.stop();
  }
  await names.resolve('a.test');
  const cached = await names.resolveParts('a.test');
  expect([cached.first.map(({ address }) => address), cached.rest]).toEqual([['2001:db8::1', '192.0.2.1'], null]);
  const single = await names.resolveParts('a.test', { family: 4 });
  expect([single.first.map(({ address }) => address), single.rest]).toEqual([['192.0.2.1'], null]);
});
