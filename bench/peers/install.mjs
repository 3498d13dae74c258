// Installs the peers on first use, and again when their lock file has changed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const names = () => Object.keys(JSON.parse(readFileSync(`${folder}package.json`, 'utf8')).dependencies);

/** The versions that the lock file pins, by name: of some packages or of all. */
export function pinned(wanted = names()) {
  const { packages } = JSON.parse(readFileSync(`${folder}package-lock.json`, 'utf8'));
  return Object.fromEntries(wanted.map((name) => [name, packages[`node_modules/${name}`].version]));
}

function installed(name) {
  const path = `${folder}node_modules/${name}/package.json`;
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).version : null;
}

/** Makes sure that bench/peers/node_modules holds what the lock file says; throws when npm cannot. */
export function installPeers() {
  if (Object.entries(pinned()).every(([name, version]) => installed(name) === version)) return;
  console.error('bench: installing the peers (npm ci in bench/peers; 270 MB, once)');
  const [program, ...first] = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  // None of them needs an install script, so none runs.
  const args = [...first, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { error, status } = spawnSync(program, args, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error || status !== 0) throw new Error(`npm ci in bench/peers failed: ${error?.message ?? `status ${status}`}`);
}
