import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { CtFacts, MillraceError, TlsClientOptions } from '../../ts/index.js';
import { TlsContext } from '../../ts/index.js';
import { CtLog, logList, timestampsOf } from '../support/ct-log.js';
import type { Issued } from '../support/pki.js';
import { Authority } from '../support/pki.js';
import { endsWithItsTest, start } from '../support/test-server.js';
import { open, refusal } from '../support/tls.js';

const argon = new CtLog('Operator A');
const xenon = new CtLog('Operator A');
const birch = new CtLog('Operator B');
const all = logList([argon, xenon, birch]);

let root: Authority;
let logged: Issued;
let plain: Issued;

beforeAll(async () => {
  root = await Authority.root('CT Root');
  [logged, plain] = await Promise.all([root.issue({ timestamps: timestampsOf([argon, birch]) }), root.issue()]);
});

endsWithItsTest();

const serving = ({ cert, key }: Issued): Promise<{ port: number }> =>
  start({ tls: { cert, key }, handler: (_req, res) => res.end() });

async function judged(
  issued: Issued,
  options: TlsClientOptions,
): Promise<{ facts: CtFacts | null; code: string | null }> {
  const socket = await open(await serving(issued), { ca: root.cert, ...options });
  const { certificateTransparency: facts = null, authorizationError } = socket.tls ?? {};
  socket.destroy();
  return { facts, code: authorizationError?.code ?? null };
}

const refused = async (issued: Issued, ctLogs = all): Promise<MillraceError> =>
  refusal(await serving(issued), { ca: root.cert, certificateTransparency: 'require', ctLogs });

test('timestamps are not looked at unless it is asked for', async () => {
  expect(await judged(logged, {})).toEqual({ facts: null, code: null });
  expect(await judged(plain, { ctLogs: all })).toEqual({ facts: null, code: null });
});

test('a certificate with timestamps of two logs of two operators is let in, and the facts name them', async () => {
  for (const certificateTransparency of ['report', 'require'] as const) {
    const { facts, code } = await judged(logged, { certificateTransparency, ctLogs: all });
    expect(code).toBeNull();
    expect(facts).toMatchObject({
      verdict: 'satisfied',
      detail: null,
      valid: 2,
      operators: ['Operator A', 'Operator B'],
    });
    expect(facts?.timestamps.map(({ logId, status, source, operator }) => [logId, status, source, operator])).toEqual([
      [argon.id, 'valid', 'certificate', 'Operator A'],
      [birch.id, 'valid', 'certificate', 'Operator B'],
    ]);
    expect(Math.abs((facts?.timestamps[0].at.getTime() ?? 0) - (Date.now() - 3_600_000))).toBeLessThan(120_000);
  }
});

test('a certificate without timestamps is reported, and refused where they are required', async () => {
  const { facts, code } = await judged(plain, { certificateTransparency: 'report', ctLogs: all });
  expect(facts).toEqual({
    verdict: 'insufficient',
    detail: 'it has no timestamps',
    valid: 0,
    operators: [],
    timestamps: [],
  });
  expect(code).toBe('MILLRACE_TLS_CT_MISSING');
  const error = await refused(plain);
  expect(error).toMatchObject({ code: 'MILLRACE_TLS_CT_MISSING', phase: 'tls' });
  expect(error.message).toContain('it has no timestamps');
});

test('timestamps of one operator, of one log, of unknown logs, from the future and for another certificate do not do', async () => {
  const stray = new CtLog('Nobody');
  const foreign = await Authority.root('Foreign');
  const sign = timestampsOf([argon, birch]);
  const cases: [Parameters<Authority['issue']>[0], string, string[]][] = [
    [{ timestamps: timestampsOf([argon, xenon]) }, 'have one operator, expected two', ['valid', 'valid']],
    [
      { timestamps: timestampsOf([argon, stray]) },
      'timestamps of 1 known logs count, expected 2',
      ['valid', 'unknownLog'],
    ],
    [{ timestamps: timestampsOf([argon, argon]) }, 'timestamps of 1 known logs count, expected 2', ['valid', 'valid']],
    [
      { timestamps: timestampsOf([argon, birch], Date.now() + 86_400_000) },
      'timestamps of 0 known logs count',
      ['fromTheFuture', 'fromTheFuture'],
    ],
    [
      { timestamps: (tbs) => sign(tbs, new Uint8Array(foreign.x509.publicKey.rawData)) },
      'timestamps of 0 known logs count',
      ['wrongSignature', 'wrongSignature'],
    ],
    // 200 days.
    [{ timestamps: sign, to: 200 * 24 }, 'timestamps of 2 known logs count, expected 3', ['valid', 'valid']],
  ];
  for (const [leaf, words, statuses] of cases) {
    const issued = await root.issue(leaf);
    const { facts } = await judged(issued, { certificateTransparency: 'report', ctLogs: all });
    expect(facts?.verdict).toBe('insufficient');
    expect(facts?.detail).toContain(words);
    expect(facts?.timestamps.map(({ status }) => status)).toEqual(statuses);
    expect((await refused(issued)).code).toBe('MILLRACE_TLS_CT_MISSING');
  }
});

test('the states of logs decide whether their timestamps count', async () => {
  const statusOf = async (state: string, timestamp?: string): Promise<(string | undefined)[]> => {
    const ctLogs = logList([argon, birch], state, timestamp);
    const { facts } = await judged(logged, { certificateTransparency: 'report', ctLogs });
    return [facts?.verdict, facts?.timestamps[0].status];
  };
  for (const state of ['usable', 'qualified', 'readonly'])
    expect(await statusOf(state)).toEqual(['satisfied', 'valid']);
  for (const state of ['pending', 'rejected', 'retired']) {
    expect(await statusOf(state)).toEqual(['insufficient', 'logNotUsable']);
  }
  // Retired after the timestamps: they count, but one log has to be in use.
  expect(await statusOf('retired', new Date(Date.now() + 60_000).toISOString())).toEqual([
    'insufficient',
    'validThenRetired',
  ]);
});

test('a list is taken as text, as bytes, as a file and as a URL of one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-ct-'));
  try {
    const file = join(folder, 'log_list.json');
    // As files of other systems begin.
    writeFileSync(file, `\uFEFF${all}`);
    for (const ctLogs of [all, Buffer.from(all), file, pathToFileURL(file), [logList([argon]), logList([birch])]]) {
      const { facts } = await judged(logged, { certificateTransparency: 'require', ctLogs });
      expect(facts?.verdict).toBe('satisfied');
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a list is needed where timestamps are judged', async () => {
  const made = TlsContext.client({ ca: root.cert, certificateTransparency: 'report' });
  await expect(made).rejects.toMatchObject({ code: 'MILLRACE_TLS_INVALID_CONFIGURATION' });
});

test('a malformed list is refused, and the error says what is wrong and where', async () => {
  const good = argon.entry();
  const listOf = (log: unknown): string => JSON.stringify({ operators: [{ name: 'A', logs: [good, log] }] });
  const bad: [string, string][] = [
    ['{', 'it is no JSON'],
    ['{}', 'operators must be an array, got undefined'],
    ['{"operators":[]}', 'it has no logs'],
    ['{"operators":[7]}', 'operators[0] must be an object, got 7'],
    ['{"operators":[{"logs":[]}]}', 'operators[0].name must be a text, got undefined'],
    [listOf({}), 'operators[0].logs[1].key must be base64, got undefined'],
    [listOf({ ...good, key: '***' }), 'operators[0].logs[1].key must be base64'],
    [listOf({ ...good, log_id: birch.id }), 'operators[0].logs[1].log_id must be the SHA-256 of its key'],
    [listOf({ ...good, state: { splendid: {} } }), 'operators[0].logs[1].state must have one of'],
    [listOf({ ...good, state: {} }), 'got none'],
    [listOf({ ...good, state: { usable: { timestamp: 'soon' } } }), 'state.usable.timestamp must be a time (ISO 8601)'],
    [listOf(good), 'stands there twice'],
    [listOf({ key: Buffer.from('no key').toString('base64') }), 'is neither P-256 nor RSA'],
  ];
  for (const [ctLogs, words] of bad) {
    await expect(TlsContext.client({ ca: root.cert, certificateTransparency: 'report', ctLogs })).rejects.toMatchObject(
      {
        code: 'MILLRACE_TLS_INVALID_CONFIGURATION',
        message: expect.stringContaining(words) as string,
      },
    );
  }
});

test('a log without a state, as in the list of all logs, does not count, and tiled logs do', async () => {
  const { key } = argon.entry();
  const ctLogs = JSON.stringify({
    operators: [
      { name: 'A', logs: [{ key }] },
      { name: 'B', logs: [], tiled_logs: [birch.entry()] },
    ],
  });
  const { facts } = await judged(logged, { certificateTransparency: 'report', ctLogs });
  expect(facts?.timestamps.map(({ status }) => status)).toEqual(['logNotUsable', 'valid']);
});
