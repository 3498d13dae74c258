// Answers that are poisoned, malformed or too large, from a name server that says what it likes.
import { isIPv4 } from 'node:net';

import type { DnsQuestion, DnsScript } from '../support/dns-server.js';
import { alias, encodeReply, record, TYPE } from '../support/dns-server.js';
import { endsNamesWithTheTest, namesOver } from '../support/name-service.js';
import { SEED, randomOf } from '../support/seed.js';

endsNamesWithTheTest();

const four = { family: 4 } as const;
const good = record('192.0.2.1');
const bad = record('203.0.113.66');

/** Resolves `a.test` for IPv4; the addresses, or the code of the failure. */
async function ask(script: DnsScript, timeout = 5_000): Promise<string | string[]> {
  const { names } = await namesOver(script, { timeout });
  return names.resolve('a.test', four).then(
    (list) => list.map(({ address }) => address),
    (error: { code: string }) => error.code,
  );
}

const forged = (question: DnsQuestion, change: Partial<DnsQuestion>, id?: number): Buffer =>
  encodeReply({ ...question, ...change }, { records: [bad] }, id);
const real = (question: DnsQuestion): Buffer => encodeReply(question, { records: [good] });
const sectionOf = (name: string, type: number): Buffer =>
  Buffer.concat([
    ...name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0, 0, type, 0, 1]),
  ]);

describe('a forged answer that comes before the real one is passed over', () => {
  test.each<[string, (question: DnsQuestion) => Buffer]>([
    ['with another id', (question) => forged(question, {}, question.query.readUInt16BE(0) ^ 1)],
    ['to another name', (question) => forged(question, { section: sectionOf('b.test', TYPE.A) })],
    ['to another type', (question) => forged(question, { section: sectionOf('a.test', TYPE.AAAA) })],
  ])('%s', async (_what, forge) => {
    expect(await ask((question) => [forge(question), real(question)])).toEqual(['192.0.2.1']);
  });
});

describe('records that are not addresses of the name are not taken for them', () => {
  test('of the other family', async () => {
    expect(await ask(() => ({ records: [record('2001:db8::1')] }))).toBe('MILLRACE_DNS_NOT_FOUND');
    expect(await ask(() => ({ records: [record('2001:db8::1'), good] }))).toEqual(['192.0.2.1']);
  });

  test('of another type, or of no known one', async () => {
    const text = { type: 16, data: Buffer.from('\x03abc') };
    const unknown = { type: 65_280, data: Buffer.alloc(4, 1) };
    expect(await ask(() => ({ records: [text, unknown] }))).toBe('MILLRACE_DNS_NOT_FOUND');
    expect(await ask(() => ({ records: [unknown, good, text] }))).toEqual(['192.0.2.1']);
  });

  test('aliases that lead in a circle', async () => {
    const records = [alias('a.test', 'b.test'), alias('b.test', 'a.test')];
    expect(await ask(() => ({ records }))).toBe('MILLRACE_DNS_NOT_FOUND');
  });
});

test('an alias is followed, and its TTL counts', async () => {
  const { names } = await namesOver(() => ({
    records: [alias('a.test', 'b.test', 20), record('192.0.2.1', 300, 'b.test')],
  }));
  expect(await names.resolve('a.test', four)).toEqual([{ address: '192.0.2.1', family: 4, ttl: 20_000 }]);
});

test('an address that is said many times is there once, and of many addresses there are 64', async () => {
  expect(await ask(() => ({ records: [good, good, good] }))).toEqual(['192.0.2.1']);
  // More than fits into a datagram that may be 512 bytes long: it comes over TCP.
  const many = Array.from({ length: 1_000 }, (_, at) => record(`10.0.${at >> 8}.${at & 255}`));
  const list = await ask(({ over }) => (over === 'udp' ? { truncated: true } : { records: many }));
  expect(list).toHaveLength(64);
});

test('an answer that is cut is asked for again over TCP', async () => {
  const { names, server } = await namesOver(({ over }) => ({
    truncated: over === 'udp',
    records: over === 'udp' ? [bad] : [good],
  }));
  expect((await names.resolve('a.test', four)).map(({ address }) => address)).toEqual(['192.0.2.1']);
  expect(server.questions.map(({ over }) => over)).toEqual(['udp', 'tcp']);
});

test('a large answer that comes over UDP all the same does no harm', async () => {
  const many = Array.from({ length: 200 }, (_, at) => record(`10.0.0.${at}`));
  const outcome = await ask(() => ({ records: many }), 200);
  // c-ares takes it, or takes it for none.
  expect([64, 'MILLRACE_DNS_TIMEOUT'.length]).toContain(outcome.length);
});

describe('malformed messages end in a failure or in time', () => {
  const cut = (question: DnsQuestion, by: number): Buffer => real(question).subarray(0, -by);
  const counted = (question: DnsQuestion, records: number): Buffer => {
    const message = Buffer.from(real(question));
    message.writeUInt16BE(records, 6);
    return message;
  };
  const pointing = (question: DnsQuestion): Buffer => {
    // The owner is a compressed name that points at itself.
    const header = real(question).subarray(0, 12 + question.section.length);
    const at = 0xc000 | header.length;
    return Buffer.concat([header, Buffer.from([at >> 8, at & 255, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4, 1, 2, 3, 4])]);
  };
  test.each<[string, (question: DnsQuestion) => Buffer[]]>([
    ['nothing', () => [Buffer.alloc(0)]],
    ['a byte', () => [Buffer.from([1])]],
    ['the id alone', (question) => [question.query.subarray(0, 2)]],
    ['a header alone', (question) => [real(question).subarray(0, 12)]],
    ['the question, sent back', (question) => [question.query]],
    ['noise behind the id', (question) => [Buffer.concat([question.query.subarray(0, 2), Buffer.alloc(200, 0xff)])]],
    ['a record cut off', (question) => [cut(question, 3)]],
    ['more records promised than come', (question) => [counted(question, 9)]],
    ['65 535 records promised', (question) => [counted(question, 65_535)]],
    ['a name that points at itself', (question) => [pointing(question)]],
    [
      'an address of three bytes',
      (question) => [encodeReply(question, { records: [{ ...good, data: Buffer.from([1, 2, 3]) }] })],
    ],
    [
      'an address of no bytes',
      (question) => [encodeReply(question, { records: [{ ...good, data: Buffer.alloc(0) }] })],
    ],
  ])('%s', async (_what, script) => {
    expect(['MILLRACE_DNS_FAILED', 'MILLRACE_DNS_TIMEOUT', 'MILLRACE_DNS_NOT_FOUND']).toContain(await ask(script, 100));
  });
});

test('answers with bytes changed at random give addresses or a failure, and no name waits', async () => {
  const random = randomOf(SEED);
  const answer = (question: DnsQuestion): Buffer =>
    encodeReply(question, { records: [alias(question.name, 'b.test'), record('192.0.2.1', 60, 'b.test'), good] });
  const { names, server } = await namesOver((question) => {
    const changed = Buffer.from(answer(question));
    // What has another id is nobody's answer; all behind it may be anything.
    for (let count = 1 + random(4); count > 0; count--) changed[2 + random(changed.length - 2)] = random(256);
    const cut = random(3) === 0 ? changed.subarray(0, 2 + random(changed.length - 2)) : changed;
    // Whoever has passed it over as no answer of theirs gets the real one.
    return [cut, answer(question)];
  });
  for (let count = 0; count < 300; count++) {
    const name = `n${count}.test`;
    const outcome = await names.resolve(name, four).then(
      (list) =>
        list.every(({ address, family, ttl }) => isIPv4(address) && family === 4 && ttl >= 1_000 && ttl <= 86_400_000),
      (error: { code: string }) => error.code,
    );
    if (![true, 'MILLRACE_DNS_FAILED', 'MILLRACE_DNS_NOT_FOUND'].includes(outcome)) {
      throw new Error(`seed ${SEED}: ${name} ended with ${String(outcome)}`);
    }
  }
  expect(server.questions.length).toBeGreaterThanOrEqual(300);
  expect(names.stats()).toMatchObject({ lookups: 300, pending: 0, timeouts: 0 });
});

test('a name that failed comes back', async () => {
  const { names, server } = await namesOver(() => null, { timeout: 250 });
  await expect(names.resolve('a.test', four)).rejects.toMatchObject({ code: 'MILLRACE_DNS_TIMEOUT' });
  server.script = () => ({ rcode: 2 });
  await expect(names.resolve('a.test', four)).rejects.toMatchObject({ code: 'MILLRACE_DNS_FAILED' });
  server.script = () => ({ records: [good] });
  expect(await names.resolve('a.test', four)).toHaveLength(1);
  expect(names.stats()).toMatchObject({ timeouts: 1, failures: 1, misses: 3, entries: 1 });
});
