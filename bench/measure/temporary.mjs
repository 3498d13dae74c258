// Folders that a run needs and that go with it, when it is interrupted too.
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

const made = new Set();

function removeAll() {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
}

/** Makes a folder whose name says what it is for; it is removed when we end, unless by SIGKILL. */
export function temporaryFolder(name) {
  if (made.size === 0) {
    process.once('exit', removeAll);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.once(signal, () => process.exit(128 + constants.signals[signal]));
    }
  }
  const folder = mkdtempSync(join(tmpdir(), `millrace-bench-${name}-`));
  made.add(folder);
  return folder;
}
