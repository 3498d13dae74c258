// TCP Fast Open (RFC 7413) in a network of its own, by the kernel's counters of bytes that a SYN carried.
import { spawnSync } from 'node:child_process';

import { buildCommandLine } from '../support/command-line.js';
import { findTool } from '../support/debian.js';
import { runProgram } from '../support/program.js';
import { where } from '../support/where.js';

interface Asked {
  text: string;
  took: number;
  /** Connections of ours whose first bytes went with the SYN and were acknowledged with it. */
  active: number;
  /** Connections to us that brought bytes with the SYN. */
  passive: number;
}

type Answer = { isSlow: boolean; features: object } & Record<'first' | 'second' | 'plain' | 'other', Asked>;

const UNDER = ['unshare', '-Urn', '--kill-child'];
/** One way through the loopback of the program, in ms, where the kernel has netem. */
const DELAY = 100;

function whyNot(): string | undefined {
  for (const name of ['unshare', 'ip']) if (findTool(name) === undefined) return `there is no ${name}`;
  const script = 'ip link set lo up && echo 3 > /proc/sys/net/ipv4/tcp_fastopen';
  const tried = spawnSync(UNDER[0], [...UNDER.slice(1), 'sh', '-c', script]);
  return tried.status === 0 ? undefined : `no network of one’s own: ${tried.stderr.toString().trim()}`;
}

where('TCP Fast Open in a namespace', whyNot()).describe.each(['epoll', 'uv'])('fast open over %s', (poller) => {
  let answer: Answer;

  beforeAll(async () => {
    buildCommandLine();
    const { stdout, stderr } = await runProgram('fast-open.mjs', [], {
      folder: 'dial',
      under: UNDER,
      timeout: 30_000,
      ...(poller === 'uv' ? { poller } : null),
    });
    if (!stdout.startsWith('{')) throw new Error(`the program said nothing: ${stderr}`);
    answer = JSON.parse(stdout) as Answer;
  }, 60_000);

  test('is among the features where the system allows it both ways', () => {
    expect(answer.features).toEqual({ connect: true, listen: true });
  });

  test('fetches a cookie by the first connection, which takes its round trip as ever', () => {
    expect(answer.first).toMatchObject({ text: 'asked', active: 0, passive: 0 });
  });

  test('sends the first bytes of the next connection with its SYN, which saves the round trip', () => {
    expect(answer.second).toMatchObject({ text: 'asked', active: 1, passive: 1 });
    // There and back twice, or once.
    if (answer.isSlow) expect(answer.second.took).toBeLessThan(4 * DELAY);
    if (answer.isSlow) expect(answer.plain.took).toBeGreaterThanOrEqual(4 * DELAY - 1);
  });

  test('is not used by a connection that was not asked for it', () => {
    expect(answer.plain).toMatchObject({ text: 'asked', active: 0, passive: 0 });
  });

  test('falls back where the listener takes no bytes with a SYN', () => {
    expect(answer.other).toMatchObject({ text: 'asked', active: 0, passive: 0 });
  });
});
