// git through our proxy: over http by what git itself knows of proxies, and over git:, which knows none, by wrappers.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ProxyServer, ProxyServerOptions } from '../../ts/index.js';
import { createProxyServer } from '../../ts/index.js';
import { requireTool } from '../support/debian.js';
import { GitServer } from '../support/git-server.js';
import { runOthers } from '../support/others.js';
import { endsWithItsTest } from '../support/test-server.js';
import { testWith } from '../support/where.js';

const git = requireTool('git');
const proxychains = requireTool('proxychains4');
const socat = requireTool('socat');

const AUTH = { username: 'alice', password: 'open sesame' };
let folder: string;
let server: GitServer;
let proxy: ProxyServer | undefined;
const at = (name: string): string => join(folder, name);

beforeEach(async () => {
  if (git === undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'millrace-git-'));
  server = await GitServer.start(git, at('repositories'));
});
afterEach(() => {
  proxy?.destroy();
  proxy = undefined;
  if (git === undefined) return;
  server.close();
  rmSync(folder, { recursive: true, force: true });
});
endsWithItsTest();

async function proxyOf(options: ProxyServerOptions = {}): Promise<ProxyServer> {
  return (proxy = await createProxyServer(options));
}

const ran = async (args: string[], env: NodeJS.ProcessEnv = {}, program = git as string): Promise<number> => {
  const { code, out } = await runOthers(program, args, { GIT_TERMINAL_PROMPT: '0', ...env }, folder);
  // What it said, where a test fails.
  if (code !== 0) process.stderr.write(code === 128 ? '' : out);
  return code;
};

describe('over http', () => {
  const AUTHOR = {
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@b.test',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@b.test',
  };

  testWith(git).each(['socks5h', 'http'])(
    'clones and pushes by http.proxy and by a variable, %s, and not with a wrong password',
    async (kind) => {
      const { port, stats } = await proxyOf({ auth: AUTH }).then((made) => ({
        port: made.port,
        stats: () => made.stats(),
      }));
      const url = (password: string): string => `${kind}://alice:${password}@127.0.0.1:${port}`;
      const right = url('open%20sesame');
      expect(await ran(['-c', `http.proxy=${right}`, 'clone', '-q', server.httpUrl, 'by-option'])).toBe(0);
      expect(await ran(['clone', '-q', server.httpUrl, 'by-variable'], { ALL_PROXY: right, http_proxy: right })).toBe(
        0,
      );
      const wrong = url('wrong');
      expect(await ran(['-c', `http.proxy=${wrong}`, 'clone', '-q', server.httpUrl, 'never'])).toBe(128);
      expect(stats().unauthenticated).toBeGreaterThan(0);
      for (const clone of ['by-option', 'by-variable']) expect(server.log(at(clone))).toEqual(['first']);
      const inside = ['-C', 'by-option', '-c', `http.proxy=${right}`];
      expect(await ran([...inside, 'commit', '-q', '--allow-empty', '-m', 'second'], AUTHOR)).toBe(0);
      expect(await ran([...inside, 'push', '-q', 'origin', 'main'])).toBe(0);
      expect(server.log()).toEqual(['second', 'first']);
      // In absolute form where the proxy speaks HTTP, in tunnels where it speaks SOCKS.
      const { forwarded, tunnels } = stats();
      expect([forwarded > 0, tunnels.active + tunnels.ended > 0]).toEqual([kind === 'http', kind !== 'http']);
    },
    60_000,
  );
});

describe('over git:', () => {
  testWith(git, proxychains).each(['socks5', 'http'])('clones under proxychains4, by %s', async (kind) => {
    // Its configuration knows no space in a password.
    const { port } = await proxyOf({ auth: { ...AUTH, password: 'sesame' } });
    const under = (password: string, name: string): Promise<number> => {
      const lines = `strict_chain\nquiet_mode\nproxy_dns\n[ProxyList]\n${kind} 127.0.0.1 ${port} alice ${password}\n`;
      writeFileSync(at('chain.conf'), lines);
      const args = ['-f', at('chain.conf'), git as string, 'clone', '-q', server.gitUrl, name];
      return ran(args, {}, proxychains);
    };
    expect(await under('sesame', 'one')).toBe(0);
    expect(server.log(at('one'))).toEqual(['first']);
    expect(proxy?.stats().tunnels).toMatchObject({ failed: 0, ended: 1 });
    expect(await under('wrong', 'never')).toBe(128);
    expect(proxy?.stats().unauthenticated).toBe(1);
  });

  testWith(git, socat).each([
    ['SOCKS4A', 'socksport', undefined],
    ['PROXY', 'proxyport', AUTH],
  ])('clones by core.gitProxy and %s of socat', async (kind, option, auth) => {
    const made = await proxyOf(auth === undefined ? {} : { auth });
    const shown = auth === undefined ? '' : `,proxyauth=${auth.username}:${auth.password}`;
    const wrapper = `#!/bin/sh\nexec socat - "${kind}:127.0.0.1:$1:$2,${option}=${made.port}${shown}"\n`;
    writeFileSync(at('git-proxy'), wrapper, { mode: 0o755 });
    const args = ['-c', `core.gitProxy=${at('git-proxy')}`, 'clone', '-q'];
    expect(await ran([...args, server.gitUrl, 'one'])).toBe(0);
    expect(server.log(at('one'))).toEqual(['first']);
    expect(made.stats()).toMatchObject({ unauthenticated: 0, tunnels: { failed: 0 }, forwarded: 0 });
    expect(made.stats().connections.accepted).toBe(1);
    expect(await ran([...args, server.gitUrl.replace(/:\d+/, ':1'), 'never'])).toBe(128);
    expect(made.stats().tunnels.failed).toBe(1);
  });
});
