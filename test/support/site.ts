import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder to serve, `site`, in one of its own; files are as old as 2001 unless told otherwise. */
export class Site {
  readonly outside = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-site-')));
  readonly root = join(this.outside, 'site');

  constructor(files: Record<string, string | Uint8Array> = {}) {
    mkdirSync(this.root);
    for (const [name, content] of Object.entries(files)) this.write(name, content);
  }

  write(name: string, content: string | Uint8Array, modified = new Date('2001-02-03T04:05:06Z')): this {
    const path = join(this.root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    utimesSync(path, modified, modified);
    return this;
  }

  link(name: string, to: string): this {
    symlinkSync(to, join(this.root, name));
    return this;
  }

  pipe(name: string): this {
    execFileSync('mkfifo', [join(this.root, name)]);
    return this;
  }

  remove(): void {
    rmSync(this.outside, { recursive: true, force: true });
  }

  /** How many descriptors of this process are of its files. */
  openFiles(): number {
    let count = 0;
    for (const fd of readdirSync('/proc/self/fd')) {
      try {
        if (readlinkSync(`/proc/self/fd/${fd}`).startsWith(this.outside)) count++;
      } catch {
        // That of the reading itself.
      }
    }
    return count;
  }
}
