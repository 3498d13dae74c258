// AWS's own S3 client, whole, through millrace/agent and our proxy.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createProxyServer } from '../../ts/index.js';
import { buildCommandLine } from '../support/command-line.js';
import { until } from '../support/condition.js';
import { npmPackages } from '../support/npm-cache.js';
import { Authority } from '../support/pki.js';
import { runProgram } from '../support/program.js';
import { destroyed, endsWithItsTest } from '../support/test-server.js';
import { where } from '../support/where.js';

const AUTH = { username: 'alice', password: 'open sesame' };
const found = npmPackages('s3', ['@aws-sdk/client-s3@3.1175.0', '@aws-sdk/lib-storage@3.1175.0', 's3rver@3.7.1']);
endsWithItsTest();

where("AWS's S3 client", 'missing' in found ? found.missing : undefined).test(
  'puts, uploads in parts, lists and gets, by SOCKS5 to https and by CONNECT to http; and not with a wrong password',
  async () => {
    buildCommandLine();
    const folder = mkdtempSync(join(tmpdir(), 'millrace-s3-client-'));
    const root = await Authority.root();
    const { cert, key } = await root.issue();
    const files = { cert, key, ca: root.cert };
    const paths = Object.fromEntries(Object.keys(files).map((name) => [name, join(folder, `${name}.pem`)]));
    for (const [name, text] of Object.entries(files)) writeFileSync(paths[name], text);
    const proxy = await createProxyServer({ auth: AUTH });
    try {
      const { folder: modules } = found as { folder: string };
      const given = { modules, proxy: proxy.port, auth: [AUTH.username, AUTH.password], ...paths };
      const { code, stdout, stderr } = await runProgram('s3-client.mjs', [JSON.stringify(given)], {
        ...{ folder: 'interop', timeout: 60_000 },
      });
      if (code !== 0) throw new Error(`it ended with ${code}: ${stderr}`);
      const all = {
        ...{ put: true, multipart: 12_582_912, get: true, range: 'piece 0' },
        list: [
          ['large', 12_582_912],
          ['small', 1_048_576],
        ],
        gone: { name: 'NoSuchKey', status: 404 },
      };
      expect(JSON.parse(stdout)).toMatchObject({
        'socks5h, https': all,
        'http, http': all,
        'wrong password': { code: 'MILLRACE_SOCKS_AUTHENTICATION_REFUSED', phase: 'proxy' },
      });
      await until(() => proxy.stats().tunnels.active === 0, 'all tunnels have ended');
      // What went up and came down twice, and no request of it beside the proxy.
      expect(proxy.stats().bytes.sent).toBeGreaterThan(2 * 13_000_000);
      expect(proxy.stats().bytes.received).toBeGreaterThan(2 * 12_582_912);
      expect(proxy.stats()).toMatchObject({ tunnels: { failed: 0 } });
      expect(proxy.stats().unauthenticated).toBeGreaterThan(0);
    } finally {
      await destroyed(proxy);
      rmSync(folder, { recursive: true, force: true });
    }
  },
  200_000,
);
