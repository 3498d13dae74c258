// How long answers are kept, what is given when there is none, and who asks: by a scripted name server, mostly in fake time.
import { deferred } from '../support/condition.js';
import type { DnsReply, DnsScript } from '../support/dns-server.js';
import { fromZone, RCODE, record, TYPE } from '../support/dns-server.js';
import { endsNamesWithTheTest, fakeTime, namesOver, untilTurned } from '../support/name-service.js';

endsNamesWithTheTest();

const failing: DnsScript = () => ({ rcode: RCODE.SERVFAIL });
const silent: DnsScript = () => null;
const addresses = (list: readonly { address: string }[]): string[] => list.map(({ address }) => address);
const four = { family: 4 } as const;

describe('an answer', () => {
  test('is kept for its TTL and then asked for again', async () => {
    const time = fakeTime();
    const { names, server } = await namesOver(fromZone({ 'a.test': ['192.0.2.1'] }, 60));
    expect(await names.resolve('a.test', four)).toEqual([{ address: '192.0.2.1', family: 4, ttl: 60_000 }]);
    time.pass(59_999);
    expect(await names.resolve('a.test', four)).toEqual([{ address: '192.0.2.1', family: 4, ttl: 1 }]);
    expect(server.asked).toEqual(['a.test/A']);
    server.script = fromZone({ 'a.test': ['192.0.2.2'] }, 60);
    time.pass(1);
    expect(addresses(await names.resolve('a.test', four))).toEqual(['192.0.2.2']);
    expect(server.asked).toHaveLength(2);
    expect(names.stats()).toMatchObject({ lookups: 3, hits: 1, misses: 2, queries: 2, entries: 1, pending: 0 });
  });

  test.each([
    ['0 is a second', 0, 1_000],
    ['a week is a day', 604_800, 86_400_000],
    ['2^31 and above, which RFC 2181 takes for 0, is a second', 2 ** 31, 1_000],
    ['the largest is a second', 2 ** 32 - 1, 1_000],
  ])('a TTL of %s', async (_what, seconds, ttl) => {
    const { names } = await namesOver(fromZone({ 'a.test': ['192.0.2.1', '2001:db8::1'] }, seconds));
    expect((await names.resolve('a.test')).map((one) => one.ttl)).toEqual([ttl, ttl]);
  });

  test('is as good as the shortest TTL in it, and no longer than the options say', async () => {
    const { names } = await namesOver(
      ({ type }) => ({ records: [type === TYPE.A ? record('192.0.2.1', 30) : record('2001:db8::1', 20)] }),
      { maxTtl: 25_000, minTtl: 15_000 },
    );
    expect((await names.resolve('a.test')).map((one) => one.ttl)).toEqual([20_000, 20_000]);
    expect((await names.resolve('a.test', four)).map((one) => one.ttl)).toEqual([25_000]);
  });

  test.each([
    [3, 15_000],
    [15, 15_000],
    [16, 16_000],
  ])('of %d s is kept for minTtl at least, 15 s here', async (seconds, ttl) => {
    const time = fakeTime();
    const { names, server } = await namesOver(fromZone({ 'a.test': ['192.0.2.1'] }, seconds), { minTtl: 15_000 });
    expect(await names.resolve('a.test', four)).toEqual([{ address: '192.0.2.1', family: 4, ttl }]);
    time.pass(ttl - 1);
    await names.resolve('a.test', four);
    expect(server.asked).toHaveLength(1);
    time.pass(1);
    await names.resolve('a.test', four);
    expect(server.asked).toHaveLength(2);
  });

  test.each([0, 1_500, 60_000])(
    'that is not there is kept for the negativeTtl of %d ms that was asked for',
    async (negativeTtl) => {
      const time = fakeTime();
      const { names, server } = await namesOver(fromZone({}), { negativeTtl });
      const gone = { code: 'MILLRACE_DNS_NOT_FOUND' };
      await expect(names.resolve('gone.test', four)).rejects.toMatchObject(gone);
      if (negativeTtl > 0) {
        time.pass(negativeTtl - 1);
        await expect(names.resolve('gone.test', four)).rejects.toMatchObject(gone);
        expect(server.asked).toHaveLength(1);
        time.pass(1);
      }
      await expect(names.resolve('gone.test', four)).rejects.toMatchObject(gone);
      expect(server.asked).toHaveLength(2);
    },
  );

  test('that is not there is kept for negativeTtl', async () => {
    const time = fakeTime();
    const { names, server } = await namesOver(fromZone({ 'none.test': [] }));
    const gone = { code: 'MILLRACE_DNS_NOT_FOUND', retryable: false, phase: 'dns', hostname: 'gone.test' };
    await expect(names.resolve('gone.test')).rejects.toMatchObject({
      ...gone,
      message: expect.stringContaining('does not exist'),
    });
    await expect(names.resolve('none.test')).rejects.toMatchObject({
      message: expect.stringContaining('has no address'),
    });
    await expect(names.resolve('none.test', four)).rejects.toMatchObject({
      message: expect.stringContaining('has no IPv4 address'),
    });
    expect(server.asked).toHaveLength(5);
    time.pass(4_999);
    await expect(names.resolve('gone.test')).rejects.toMatchObject(gone);
    expect(server.asked).toHaveLength(5);
    expect(names.stats()).toMatchObject({ misses: 3, negativeHits: 1, notFound: 4 });
    // It comes into being.
    server.script = fromZone({ 'gone.test': ['192.0.2.1'] });
    time.pass(1);
    expect(addresses(await names.resolve('gone.test'))).toEqual(['192.0.2.1']);
  });

  test('that lacks a family because its question failed is kept no longer than negativeTtl', async () => {
    const { names } = await namesOver(({ type }) =>
      type === TYPE.A ? { records: [record('192.0.2.1')] } : { rcode: RCODE.REFUSED },
    );
    expect(await names.resolve('a.test')).toEqual([{ address: '192.0.2.1', family: 4, ttl: 5_000 }]);
  });

  test('is forgotten by flush, also the one that is on its way', async () => {
    const held = deferred<DnsReply>();
    const { names, server } = await namesOver(fromZone({ 'a.test': ['192.0.2.1'], 'b.test': ['192.0.2.2'] }));
    await Promise.all([names.resolve('a.test', four), names.resolve('b.test', four)]);
    names.flush('A.TEST.');
    await Promise.all([names.resolve('a.test', four), names.resolve('b.test', four)]);
    expect(server.asked.sort()).toEqual(['a.test/A', 'a.test/A', 'b.test/A']);
    names.flush();
    expect(names.stats().entries).toBe(0);

    server.script = () => held.promise;
    const before = names.resolve('a.test', four);
    await untilTurned(() => server.questions.length === 4);
    names.flush('a.test');
    server.script = fromZone({ 'a.test': ['192.0.2.9'] });
    expect(addresses(await names.resolve('a.test', four))).toEqual(['192.0.2.9']);
    held.resolve({ records: [record('192.0.2.1')] });
    expect(addresses(await before)).toEqual(['192.0.2.1']);
    expect(addresses(await names.resolve('a.test', four))).toEqual(['192.0.2.9']);
  });

  test('goes when maxEntries others were asked for since, and is not kept at all with 0', async () => {
    const zone = { 'a.test': ['192.0.2.1'], 'b.test': ['192.0.2.2'], 'c.test': ['192.0.2.3'] };
    const { names, server } = await namesOver(fromZone(zone), { maxEntries: 2 });
    for (const name of ['a.test', 'b.test', 'a.test', 'c.test', 'a.test', 'b.test']) await names.resolve(name, four);
    expect(server.asked).toEqual(['a.test/A', 'b.test/A', 'c.test/A', 'b.test/A']);
    expect(names.stats()).toMatchObject({ entries: 2, hits: 2, misses: 4 });

    const { names: none, server: asked } = await namesOver(fromZone(zone), { maxEntries: 0 });
    for (let count = 0; count < 3; count++) await none.resolve('a.test', four);
    expect([asked.questions.length, none.stats().entries]).toEqual([3, 0]);
  });
});

describe('an answer past its time', () => {
  async function expired(script: DnsScript, options = {}) {
    const time = fakeTime();
    const { names, server } = await namesOver(fromZone({ 'a.test': ['192.0.2.1'] }, 60), options);
    await names.resolve('a.test', four);
    time.pass(60_000);
    server.script = script;
    return { time, names, server };
  }

  test('is given when the question fails, and the question put again after negativeTtl', async () => {
    const { time, names, server } = await expired(failing);
    expect(addresses(await names.resolve('a.test', four))).toEqual(['192.0.2.1']);
    expect(addresses(await names.resolve('a.test', four))).toEqual(['192.0.2.1']);
    expect(server.asked).toHaveLength(2);
    expect(names.stats()).toMatchObject({ stale: 2, hits: 1, misses: 2, failures: 0 });
    time.pass(5_000);
    server.script = fromZone({ 'a.test': ['192.0.2.2'] });
    expect(addresses(await names.resolve('a.test', four))).toEqual(['192.0.2.2']);
  });

  test('is given after 1 800 ms of silence, while asking goes on for those who come later', async () => {
    const held = deferred<DnsReply>();
    const { time, names, server } = await expired(() => held.promise);
    const call = names.resolve('a.test', four);
    await untilTurned(() => server.questions.length === 2);
    time.pass(1_799);
    expect(names.stats().stale).toBe(0);
    time.pass(1);
    expect(addresses(await call)).toEqual(['192.0.2.1']);
    // Whoever comes now does not wait.
    expect(addresses(await names.resolve('a.test', four))).toEqual(['192.0.2.1']);
    held.resolve({ records: [record('192.0.2.2')] });
    await untilTurned(() => names.stats().pending === 0);
    expect(addresses(await names.resolve('a.test', four))).toEqual(['192.0.2.2']);
    expect(names.stats()).toMatchObject({ misses: 2, merged: 1, hits: 1, stale: 2 });
  });

  test('is given when the time of a caller is over first, and the question ends in its time', async () => {
    const { time, names, server } = await expired(silent);
    const call = names.resolve('a.test', { family: 4, timeout: 100 });
    await untilTurned(() => server.questions.length === 2);
    time.pass(100);
    expect(addresses(await call)).toEqual(['192.0.2.1']);
    expect(names.stats().pending).toBe(1);
    time.pass(4_900);
    expect(names.stats()).toMatchObject({ pending: 0, timeouts: 0, stale: 1 });
    // Nobody answered: for a while nobody is asked.
    expect(addresses(await names.resolve('a.test', four))).toEqual(['192.0.2.1']);
    expect(names.stats()).toMatchObject({ pending: 0, stale: 2 });
  });

  test('is not given where it is not wanted, nor when the name is gone, nor a day later', async () => {
    const unwanted = await expired(failing, { serveStale: false });
    await expect(unwanted.names.resolve('a.test', four)).rejects.toMatchObject({ code: 'MILLRACE_DNS_FAILED' });
    const gone = await expired(fromZone({}));
    await expect(gone.names.resolve('a.test', four)).rejects.toMatchObject({ code: 'MILLRACE_DNS_NOT_FOUND' });
    const old = await expired(failing);
    old.time.pass(86_400_000);
    await expect(old.names.resolve('a.test', four)).rejects.toMatchObject({ code: 'MILLRACE_DNS_FAILED' });
  });
});

describe('callers of one name', () => {
  test('share one question: a thousand of them', async () => {
    const { names, server } = await namesOver(fromZone({ 'a.test': ['192.0.2.1', '2001:db8::1'] }));
    const calls = Array.from({ length: 1_000 }, () => names.resolve('a.test'));
    const lists = await Promise.all(calls);
    expect(lists.every((list) => addresses(list).join() === '2001:db8::1,192.0.2.1')).toBe(true);
    expect(server.asked.sort()).toEqual(['a.test/A', 'a.test/AAAA']);
    expect(names.stats()).toMatchObject({ lookups: 1_000, misses: 1, merged: 999, queries: 2 });
  });

  test('share its failure, each with an error of its own', async () => {
    const { names, server } = await namesOver(failing);
    const calls = Array.from({ length: 100 }, () => names.resolve('a.test', four).catch((error: unknown) => error));
    const errors = await Promise.all(calls);
    expect(new Set(errors).size).toBe(100);
    expect(errors[99]).toMatchObject({
      code: 'MILLRACE_DNS_FAILED',
      retryable: true,
      hostname: 'a.test',
      syscall: 'queryA',
      cause: { code: 'ESERVFAIL' },
    });
    expect(server.asked).toHaveLength(1);
    expect(names.stats()).toMatchObject({ failures: 100, entries: 0 });
  });

  test('leave at once when they are aborted, and the others get their answer', async () => {
    const held = deferred<DnsReply>();
    const { names, server } = await namesOver(() => held.promise);
    const abort = new AbortController();
    const leaves = names.resolve('a.test', { family: 4, signal: abort.signal });
    const stays = names.resolve('a.test', four);
    await untilTurned(() => server.questions.length === 1);
    const reason = new Error('on purpose');
    abort.abort(reason);
    await expect(leaves).rejects.toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: reason });
    expect(names.stats().pending).toBe(1);
    held.resolve({ records: [record('192.0.2.1')] });
    expect(addresses(await stays)).toEqual(['192.0.2.1']);
    await expect(names.resolve('a.test', { signal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('end the question when the last of them leaves; the next one asks anew', async () => {
    const { names, server } = await namesOver(silent);
    const aborts = [new AbortController(), new AbortController()];
    const calls = aborts.map(({ signal }) => names.resolve('a.test', { family: 4, signal }));
    await untilTurned(() => server.questions.length === 1);
    for (const abort of aborts) abort.abort();
    for (const call of calls) await expect(call).rejects.toMatchObject({ name: 'AbortError' });
    expect(names.stats()).toMatchObject({ pending: 0, entries: 0 });
    server.script = fromZone({ 'a.test': ['192.0.2.1'] });
    expect(addresses(await names.resolve('a.test', four))).toEqual(['192.0.2.1']);
  });

  test('have each their own time', async () => {
    const time = fakeTime();
    const { names, server } = await namesOver(silent);
    const fails = (call: Promise<unknown>): Promise<unknown> => call.then(String, (error: unknown) => error);
    const short = fails(names.resolve('a.test', { family: 4, timeout: 1_000, option: 'timeouts.dns' }));
    const long = fails(names.resolve('a.test', four));
    await untilTurned(() => server.questions.length === 1);
    time.pass(999);
    expect(names.stats().timeouts).toBe(0);
    time.pass(1);
    expect(await short).toMatchObject({
      code: 'MILLRACE_DNS_TIMEOUT',
      phase: 'dns',
      retryable: true,
      hostname: 'a.test',
      limit: { option: 'timeouts.dns', value: 1_000 },
    });
    time.pass(3_999);
    expect(names.stats()).toMatchObject({ timeouts: 1, pending: 1 });
    time.pass(1);
    expect(await long).toMatchObject({ code: 'MILLRACE_DNS_TIMEOUT', limit: { option: 'timeout', value: 5_000 } });
    expect(names.stats()).toMatchObject({ timeouts: 2, pending: 0 });
  });
});
