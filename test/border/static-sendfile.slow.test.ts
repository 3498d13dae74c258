import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { runProgram } from '../support/program.js';
import { where } from '../support/where.js';

/** Why system calls cannot be looked at here, if they cannot. */
function untraceable(): string | undefined {
  if (process.platform !== 'linux') return 'strace is for Linux';
  const { error, status, stderr } = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true'], { encoding: 'utf8' });
  if (error !== undefined) return 'strace is not installed';
  return status === 0 ? undefined : `strace cannot trace here: ${stderr.trim()}`;
}

/** All by which the bytes of a file can get into a process or out of it; `?`: where the machine has it. */
const CALLS = ['sendfile', '?sendfile64', 'read', 'readv', 'pread64', 'preadv', '?preadv2', 'mmap', 'splice'];

where('files by sendfile', untraceable()).test(
  'on TCP and Unix sockets every byte of a file goes by sendfile, and none of it is read',
  async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-sendfile-')));
    const traces = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-traces-')));
    try {
      // A file for each thread: lines of one are then never cut by another's. `-y` says which file a descriptor is of.
      const strace = [
        'strace',
        '-ff',
        '-qq',
        '-y',
        '-s',
        '0',
        '-e',
        `trace=${CALLS.join(',')}`,
        '-o',
        join(traces, 't'),
      ];
      const { code, stdout, stderr } = await runProgram('sends-files.mjs', [folder], { under: strace });
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'received 11000000\n', stderr: '' });
      const lines = readdirSync(traces)
        .flatMap((name) => readFileSync(join(traces, name), 'utf8').split('\n'))
        .filter((line) => line.includes(`<${join(folder, 'large.bin')}>`));
      const sent = lines.map((line) => Number(/^sendfile(?:64)?\(.*\) += (-?\d+)/.exec(line)?.[1] ?? NaN));
      // A full socket is no byte: -1 EAGAIN.
      expect(sent.filter((count) => count > 0).reduce((sum, count) => sum + count, 0)).toBe(11_000_000);
      expect(lines.filter((_line, at) => Number.isNaN(sent[at]))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
      rmSync(traces, { recursive: true, force: true });
    }
  },
);
