// One setup or build at a time in a checkout: two terminals (npm start beside npm test) must not write the same outputs.
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { inRoot } from './root.mjs';

const path = inRoot('.cache', 'lock');
/** A lock this old belongs to nobody: a build takes a minute or two, and a number of a process may be given out again. */
const STALE_MS = 20 * 60_000;
let held = false;

function isStale() {
  try {
    if (Date.now() - statSync(path).mtimeMs > STALE_MS) return true;
    process.kill(Number(readFileSync(path, 'utf8')), 0);
    return false;
  } catch (error) {
    // EPERM: it lives and is another user's. A file that is gone or half written is looked at again.
    return error.code === 'ESRCH';
  }
}

function take() {
  mkdirSync(inRoot('.cache'), { recursive: true });
  for (let told = false; ;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isStale()) {
      rmSync(path, { force: true });
      continue;
    }
    if (!told) console.error('millrace: waiting for another build of this checkout');
    told = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}

function give() {
  held = false;
  rmSync(path, { force: true });
}

/**
 * Runs something while no other process of this checkout does, to the end of its promise where it answers with one;
 * look again inside whether it is still to be done.
 */
export function exclusively(body) {
  if (held) return body();
  take();
  held = true;
  let result;
  try {
    result = body();
    if (typeof result?.then === 'function') return result.finally(give);
    give();
    return result;
  } catch (error) {
    give();
    throw error;
  }
}
