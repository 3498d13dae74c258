// Rebinding (a name that is public when it is judged and private when it is used), end to end, over a real name server.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { buildCommandLine } from '../support/command-line.js';
import { findTool, requireTool } from '../support/debian.js';
import { runProgram } from '../support/program.js';
import { lacking, where } from '../support/where.js';

const dnsmasq = requireTool('dnsmasq', 'dnsmasq-base');
const tools = { dnsmasq, ip: requireTool('ip', 'iproute2'), nsenter: findTool('nsenter'), mount: findTool('mount') };
const mayUnshare = spawnSync('unshare', ['--net', '--mount', 'ip', 'link', 'add', 'here', 'type', 'veth']).status === 0;
const missing = mayUnshare ? lacking(tools) : 'namespaces and devices of its own need root, util-linux and iproute2';

where('rebinding over a name server', missing).test(
  'a name that turns to this host, a private network or an address of the proxy’s own is refused, and counted',
  async () => {
    buildCommandLine();
    const folder = mkdtempSync(join(tmpdir(), 'millrace-rebinding-'));
    try {
      const { code, stdout, stderr } = await runProgram('rebinds.mjs', [folder, dnsmasq as string], {
        ...{ folder: 'interop', under: ['unshare', '--net', '--mount', '--kill-child'], timeout: 30_000 },
      });
      if (code !== 0) throw new Error(`it ended with ${code}: ${stderr}`);
      const seen = JSON.parse(stdout) as {
        first: Record<string, Record<string, unknown>>;
        second: Record<string, Record<string, unknown>>;
        errors: Record<string, string>;
        names: number;
      };
      // The host beyond speaks no HTTP, which a proxy that was there tells by 502.
      const each = (of: Record<string, Record<string, unknown>>, way: string): unknown[] => [
        ...new Set(Object.values(of[way])),
      ];
      expect([each(seen.first, 'socks5h'), each(seen.first, 'http'), each(seen.first, 'absolute')]).toEqual([
        ['public'],
        ['public'],
        [502],
      ]);
      expect([each(seen.second, 'socks5h'), each(seen.second, 'http'), each(seen.second, 'absolute')]).toEqual([
        ['MILLRACE_SOCKS_FORBIDDEN'],
        ['MILLRACE_PROXY_STATUS'],
        [403],
      ]);
      expect(new Set(Object.values(seen.errors))).toEqual(new Set(['MILLRACE_PROXY_TARGET_PROHIBITED']));
      expect(seen).toMatchObject({
        reached: 0,
        before: [{ forbidden: 0, prohibited: 0, loops: 0 }, 0],
        denied: 3 * seen.names,
        failed: 2 * seen.names,
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  60_000,
);
