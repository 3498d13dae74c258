import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { buildCommandLine } from '../support/command-line.js';
import { findTool } from '../support/debian.js';
import { runProgram } from '../support/program.js';
import { where } from '../support/where.js';

interface Dialled {
  /** The address that it has reached. */
  winner?: string;
  error?: {
    code: string;
    name: string;
    message: string;
    cause?: string;
    limit?: { value: number; seen: number };
    errors?: [string, string][];
  };
  took: number;
  list: string[];
  /** Each SYN: which address, and when since the dial was asked for, in ms by the kernel. */
  attempts: [number, number][];
  /** Descriptors in the middle of it. */
  middle?: number;
  closed?: string[];
}

type Many = 'schedule' | 'lateRefusal';
type Results = Record<Exclude<string, Many>, Dialled> & Record<Many, Dialled[]>;

/** A namespace of network and mounts in which the hosts file is ours. */
function under(folder: string): string[] {
  const mounts = ['hosts', 'host.conf', 'nsswitch.conf']
    .filter((name) => existsSync(`/etc/${name}`))
    .map((name) => `mount --bind '${join(folder, name)}' /etc/${name}`);
  const script = `${[...mounts, 'exec "$@"'].join(' && ')}`;
  return ['unshare', '-Urnm', '--fork', '--kill-child', 'sh', '-c', script, 'sh'];
}

function whyNot(): string | undefined {
  for (const name of ['unshare', 'perl', 'ip', 'mount']) if (findTool(name) === undefined) return `there is no ${name}`;
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun';
  const tried = spawnSync('unshare', ['-Urnm', 'ip', 'tuntap', 'add', 'dev', 'wire0', 'mode', 'tun']);
  return tried.status === 0 ? undefined : `no network of one’s own: ${tried.stderr.toString().trim()}`;
}

const missing = whyNot();
const { test: testWhere } = where('Happy Eyeballs in a namespace', missing);

let results: Results;
beforeAll(async () => {
  if (missing !== undefined) return;
  buildCommandLine();
  const folder = mkdtempSync(join(tmpdir(), 'millrace-dial-'));
  writeFileSync(join(folder, 'hosts'), '');
  writeFileSync(join(folder, 'host.conf'), 'multi on\n');
  writeFileSync(join(folder, 'nsswitch.conf'), 'hosts: files\n');
  try {
    const options = { folder: 'dial', under: under(folder), timeout: 60_000 };
    const { stdout, stderr } = await runProgram('dials.mjs', [], options);
    if (!stdout.startsWith('{')) throw new Error(`the program said nothing: ${stderr}`);
    results = JSON.parse(stdout) as Results;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 90_000);

/** Which addresses were tried, in their order. */
const tried = ({ attempts }: Dialled): number[] => attempts.map(([place]) => place);
/**
 * The times between the starts, as the kernel saw the SYNs leave. The engine counts from when it turned to an attempt: what
 * holds it up before the SYN of one makes the gap after that shorter, and what holds it up before the next makes it longer.
 */
const gaps = ({ attempts }: Dialled): number[] => attempts.slice(1).map(([, at], place) => at - attempts[place][1]);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, place) => place);
/** RFC 8305 §5, in ms. */
const STEP = 250;
/** The grain of the clocks. */
const GRAIN = 2;

describe('Happy Eyeballs', () => {
  testWhere.each([
    ['the first of two good addresses', 'good', 0, 1],
    ['a good IPv6 address before IPv4', 'goodIpv6', 0, 1],
    ['IPv4 where IPv6 is dead', 'deadIpv6', 1, 2],
    ['the second where the first is a black hole', 'blackhole', 1, 2],
    ['the second where the first answers late', 'slowerFirst', 1, 2],
    ['the first, which answers after 375 ms, while the second is under way', 'slowFirst', 0, 2],
    ['the first, which answers after 625 ms, while two others are under way', 'patient', 0, 3],
    ['the second where the first refuses', 'refusedThenGood', 1, 2],
    ['the last of ten where nine refuse', 'ten', 9, 10],
    ['the last of ten where nine are black holes', 'tenDropped', 9, 10],
  ])('reaches %s', (_, name, winner, attempts) => {
    const found = results[name];
    expect(found.error).toBeUndefined();
    expect(found.list.indexOf(found.winner!)).toBe(winner);
    expect(tried(found)).toEqual(upTo(attempts));
  });

  testWhere('begins no attempt earlier than 250 ms after the one before, counted from the dial', () => {
    for (const { attempts } of results.schedule) {
      expect(attempts).toHaveLength(4);
      attempts.forEach(([, at], place) => expect(at).toBeGreaterThan(place * STEP - GRAIN));
    }
  });

  testWhere('begins attempts within 20 ms of 250 ms where nothing holds the machine up', () => {
    const all = results.schedule.flatMap(gaps).sort((one, other) => one - other);
    // A machine that stalls makes many of them late, and as many after them early: a quarter is left alone by it.
    expect(all[all.length >> 2]).toBeLessThan(STEP + 20);
    expect(all[(all.length * 3) >> 2]).toBeGreaterThan(STEP - 20);
  });

  testWhere('does not wait for its next step when an attempt is refused', () => {
    for (const found of results.lateRefusal) {
      expect(found.list.indexOf(found.winner!)).toBe(1);
      expect(gaps(found)[0]).toBeGreaterThan(50 - GRAIN);
    }
    expect(Math.min(...results.lateRefusal.map((found) => gaps(found)[0]))).toBeLessThan(STEP - GRAIN);
    expect(Math.max(...gaps(results.ten))).toBeLessThan(STEP - GRAIN);
  });

  testWhere('tells of all addresses when all have failed, the first one first', () => {
    const { error, list } = results.allRefused;
    expect(error).toMatchObject({ code: 'MILLRACE_SYSTEM', cause: 'ECONNREFUSED' });
    expect(error?.message).toMatch(/^connect ECONNREFUSED \[2001:.*\(and 2 more: .*ECONNREFUSED 10\.9\..*EHOSTUNREACH/);
    expect(error?.errors).toEqual([
      [list[0], 'ECONNREFUSED'],
      [list[1], 'ECONNREFUSED'],
      [list[2], 'EHOSTUNREACH'],
    ]);
  });

  testWhere('tells of one address as of that one', () => {
    const { error } = results.oneRefused;
    expect(error).toMatchObject({ code: 'MILLRACE_SYSTEM', cause: 'ECONNREFUSED' });
    expect(error?.errors).toBeUndefined();
  });

  testWhere.each([
    ['between two steps', 'tooLate', 700, 3],
    ['at the moment of a step, and begins none', 'atTheEdge', 250, 1],
    ['past a step', 'pastTheEdge', 450, 2],
  ])('timeouts.connect ends it %s', (_, name, value, attempts) => {
    const found = results[name];
    expect(found.error).toMatchObject({ code: 'MILLRACE_CONNECT_TIMEOUT', limit: { value } });
    expect(found.error?.limit?.seen).toBeGreaterThanOrEqual(value);
    expect(found.took).toBeGreaterThanOrEqual(value - GRAIN);
    expect(tried(found)).toEqual(upTo(attempts));
  });

  testWhere('a timeout tells of the addresses that had failed before it', () => {
    const { error, list } = results.refusedThenSilent;
    expect(error).toMatchObject({ code: 'MILLRACE_CONNECT_TIMEOUT', errors: [[list[0], 'ECONNREFUSED']] });
    expect(error?.message).toMatch(/\(before that: connect ECONNREFUSED 10\.9\.\d+\.1:\d+\)$/);
  });

  testWhere('closes the loser where two have answered, and leaves no descriptor', () => {
    const { winner, closed, list, middle } = results.bothGood;
    expect(closed).toEqual(list.filter((address) => address !== winner));
    expect(middle).toBe(2);
  });

  testWhere('an abort in the middle frees every attempt', () => {
    const { error, middle } = results.aborted;
    expect(error).toMatchObject({ name: 'AbortError' });
    expect(middle).toBe(2);
  });

  testWhere('a failure in the middle frees every attempt', () => {
    expect(results.failed.error).toMatchObject({ code: 'MILLRACE_CONNECT_TIMEOUT' });
  });

  testWhere('all addresses are tried where none answers', () => {
    expect([...tried(results.families)].sort()).toEqual(upTo(4));
  });

  testWhere('takes turns between the families', () => {
    expect(tried(results.families)).toEqual([0, 2, 1, 3]);
  });
});
