// Programs that others wrote and that Debian has: installed where we may, as root on a system with apt.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

/** With this file, packages that bring a service do not start it: status 101 is "not allowed by policy". */
const POLICY = '/usr/sbin/policy-rc.d';

function install(name) {
  const isOurs = !existsSync(POLICY);
  if (isOurs) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', name], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  } finally {
    if (isOurs) rmSync(POLICY, { force: true });
  }
}

/** Whether a program, with a package of its name, can be started; `asks` makes it answer and end. */
export function haveProgram(name, asks) {
  const there = () => !spawnSync(name, asks, { stdio: 'ignore' }).error;
  if (there()) return true;
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).error) return false;
  console.error(`bench: installing ${name} (apt-get install -y ${name})`);
  install(name);
  return there();
}
