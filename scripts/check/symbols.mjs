// The addon exports its entry point alone: a name that Node exports too (llhttp, zlib, OpenSSL) would be taken for Node's.
import { existsSync } from 'node:fs';
import { addonFiles } from '../lib/addon.mjs';
import { find } from '../lib/command.mjs';
import { inRoot } from '../lib/root.mjs';
import { Failure, Skip, demand } from './phase.mjs';

export const about = 'what the addon exports and contains';
export const quick = true;

const ENTRY = 'napi_register_module_v1';

/** The names that `nm` lists. */
export const names = (listing) =>
  listing
    .split('\n')
    .map((line) => line.trim().split(/\s+/).at(-1)?.replace(/@.*$/, ''))
    .filter(Boolean);

export async function run() {
  if (process.platform === 'win32') throw new Skip('on Windows only what is marked is exported');
  if (!find('nm')) throw new Skip('nm is not on PATH');
  const files = addonFiles();
  if (!files.length) throw new Failure('there is no addon in native/: npm run build');
  for (const file of files) {
    const dynamic = process.platform === 'darwin' ? ['-gU'] : ['-D', '--defined-only'];
    const exported = names((await demand('nm', [...dynamic, inRoot('native', file)])).stdout).map((name) =>
      process.platform === 'darwin' ? name.replace(/^_/, '') : name,
    );
    if (exported.join() !== ENTRY)
      throw new Failure(`${file} exports ${exported.join(', ') || 'nothing'}; it must export ${ENTRY} alone`);
  }
  return await inside();
}

// libgit2-sys is in the build for llhttp alone; with a symbol table in reach, see that nothing of libgit2 came along.
async function inside() {
  const target = process.env.CARGO_TARGET_DIR ?? inRoot('target');
  const { stdout } = await demand('rustc', ['-vV']);
  const host = /^host: (.+)$/m.exec(stdout)?.[1];
  const library = process.platform === 'darwin' ? 'libmillrace_node.dylib' : 'libmillrace_node.so';
  const path = [`${target}/${host}/release/${library}`, `${target}/release/${library}`].find((each) =>
    existsSync(each),
  );
  if (!path) return `exports ${ENTRY} alone; no unstripped release build to look into`;
  const all = names((await demand('nm', [path])).stdout);
  const foreign = all.filter((name) => /^_?git_/.test(name));
  if (foreign.length)
    throw new Failure(
      `the addon contains ${foreign.length} functions of libgit2, ${foreign.slice(0, 5).join(', ')} among them`,
    );
  return `exports ${ENTRY} alone; ${all.length} symbols inside, none of libgit2`;
}
