// What is published works when it is installed into an empty folder, and says what is missing when its binary is.
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { npm } from '../lib/command.mjs';
import { stage } from '../lib/release.mjs';
import { readPackage } from '../lib/root.mjs';
import { filesUnder } from '../lib/stamp.mjs';
import { Failure, collect, demand } from './phase.mjs';

export const about = 'npm pack, install into an empty folder, ES and CommonJS import, the message without a binary';
export const quick = false;

const MAX_SIZE = 400 * 1024;
const EXPECTED = [
  'dist/index.js',
  'dist/index.mjs',
  'dist/index.d.ts',
  'dist/index.d.mts',
  'dist/cli/main.js',
  'native/index.js',
];
const PERMITTED = /^(dist\/|native\/index\.(js|d\.ts)$|package\.json$|README\.md$|CHANGELOG\.md$|LICENSE$)/;

export async function run({ loud }) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-package-'));
  try {
    return await inFolder(folder, { loud });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function inFolder(folder, { loud }) {
  const [program, ...first] = npm();
  const { main, platforms } = stage(join(folder, 'staged'));
  if (!platforms.length) throw new Failure('native/ holds no addon for a platform of package.json');
  const pack = async (from) => {
    const { stdout } = await demand(program, [
      ...first,
      'pack',
      '--json',
      '--loglevel=error',
      '--pack-destination',
      folder,
      from,
    ]);
    // An array up to npm 11, an object by package name from npm 12 on.
    return Object.values(JSON.parse(stdout))[0];
  };

  const packed = await pack(main);
  const names = packed.files.map(({ path }) => path);
  const absent = EXPECTED.filter((path) => !names.includes(path));
  if (absent.length) throw new Failure(`the package lacks ${absent.join(', ')}`);
  const extra = names.filter((path) => !PERMITTED.test(path));
  if (extra.length) throw new Failure(`the package holds what it should not: ${extra.join(', ')}`);
  if (packed.size > MAX_SIZE) throw new Failure(`the package is ${packed.size} bytes, more than ${MAX_SIZE}`);

  const consumer = join(folder, 'consumer');
  mkdirSync(consumer);
  writeFileSync(join(consumer, 'package.json'), '{ "private": true }\n');
  const tarballs = [packed.filename];
  for (const platform of platforms) tarballs.push((await pack(platform)).filename);
  await demand(
    program,
    [
      ...first,
      'install',
      '--offline',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      ...tarballs.map((name) => join(folder, name)),
    ],
    { cwd: consumer, loud, timeout: 120_000 },
  );
  await imports(consumer);
  await withoutBinary(consumer);
  const binary = Math.max(...platforms.flatMap((path) => filesUnder(path)).map((path) => statSync(path).size));
  return `${names.length} files, ${Math.ceil(packed.size / 1024)} KB; binary ${Math.ceil(binary / 1024)} KB`;
}

const inNode = (cwd, name, text) => {
  writeFileSync(join(cwd, name), text);
  return collect(process.execPath, [name], { cwd, timeout: 30_000 });
};

async function imports(cwd) {
  const { version } = readPackage();
  const report = `console.log(typeof millrace.serve, millrace.version());`;
  for (const [name, text] of [
    [
      'esm.mjs',
      `import * as millrace from 'millrace';\nimport { serve } from 'millrace';\nif (serve !== millrace.serve) throw 1;\n${report}`,
    ],
    ['cjs.cjs', `const millrace = require('millrace');\n${report}`],
    [
      'both.mjs',
      `import { createRequire } from 'node:module';\nimport * as millrace from 'millrace';\nif (createRequire(import.meta.url)('millrace').serve !== millrace.serve) throw new Error('two copies');\n${report}`,
    ],
  ]) {
    const { status, out } = await inNode(cwd, name, text);
    if (status !== 0 || out.trim() !== `function ${version}`)
      throw new Failure(`${name} in an empty folder: expected "function ${version}", got\n${out}`);
  }
  const { status, out } = await collect(process.execPath, ['node_modules/millrace/dist/cli/main.js', '--version'], {
    cwd,
    timeout: 30_000,
  });
  if (status !== 0 || !out.includes(version))
    throw new Failure(`millrace --version: expected ${version}, got status ${status} and\n${out}`);
}

async function withoutBinary(cwd) {
  const gone = filesUnder(join(cwd, 'node_modules')).filter((path) => path.endsWith('.node'));
  for (const path of gone) rmSync(path);
  const text = `try { require('millrace').version(); console.log(JSON.stringify({ code: 'none thrown' })) }
catch (error) { console.log(JSON.stringify({ code: error.code, message: error.message })) }`;
  const { out } = await inNode(cwd, 'missing.cjs', text);
  let error;
  try {
    error = JSON.parse(out);
  } catch {
    throw new Failure(`without its binary the package printed\n${out}`);
  }
  if (error.code !== 'MILLRACE_NATIVE_MISSING')
    throw new Failure(`without its binary the error is ${error.code}, not MILLRACE_NATIVE_MISSING: ${error.message}`);
  const platform = `${process.platform}-${process.arch}`;
  for (const [what, pattern] of [
    ['the platform', new RegExp(platform)],
    ['the package that is missing', new RegExp(`\\bmillrace-${platform}`)],
    ['a remedy', /npm (install|i|ci)\b/],
  ]) {
    if (!pattern.test(error.message))
      throw new Failure(`without its binary the message does not name ${what} (${pattern}): ${error.message}`);
  }
}
