// A server that is a Node.js program of ours (attend.mjs says how it talks), pinned to its core.
import { fileURLToPath } from 'node:url';
import { Dialogue } from '../measure/dialogue.mjs';
import { cores } from '../measure/machine.mjs';

const LIMIT_MS = 15_000;

/**
 * Starts the program in a file beside a module: { name, child, pid, pids, port, url(path), stop() }. `node` holds
 * arguments for Node itself, `args` for the program,
 * `scheme` is what it speaks.
 */
export async function startProgram(beside, name, { node = [], args = [], scheme = 'http' } = {}) {
  const file = fileURLToPath(new URL(`${name}.mjs`, beside));
  const child = new Dialogue(cores.server, process.execPath, [...node, file, ...args]);
  try {
    const port = Number(await child.hear('listening', LIMIT_MS));
    const url = (path) => `${scheme}://127.0.0.1:${port}${path}`;
    return { name, child, pid: child.pid, pids: [child.pid], port, url, stop: () => child.stop() };
  } catch (error) {
    await child.stop();
    throw new Error(`${name}: ${error.message}`, { cause: error });
  }
}
