// Lays out what is published: the main package and one small package for each platform whose addon is at hand.
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlainError, capture, tool } from './command.mjs';
import { inRoot, readPackage } from './root.mjs';

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
const writeJson = (path, value) => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);

/** The package.json of the published main package: nothing of the workshop, and the platform packages at its own version. */
export function publishedManifest(manifest, platformPackages) {
  const { devDependencies: _tools, overrides: _pins, scripts: _scripts, ...published } = manifest;
  return {
    ...published,
    optionalDependencies: Object.fromEntries([...platformPackages].sort().map((name) => [name, manifest.version])),
  };
}

/** Makes the folders of the platform packages, as package.json's list of targets says; gives [{ name, folder, file }]. */
export function makePlatformFolders(folder) {
  // The command makes folders nowhere but in the checkout.
  const made = inRoot('.cache/platforms');
  rmSync(made, { recursive: true, force: true });
  const { status, out } = capture(process.execPath, [
    ...[tool('@napi-rs/cli/cli.mjs'), 'create-npm-dirs', '--package-json-path', 'package.json'],
    ...['--npm-dir', '.cache/platforms'],
  ]);
  if (status !== 0) throw new PlainError(`napi create-npm-dirs failed\n${out}`);
  cpSync(made, folder, { recursive: true });
  return readdirSync(folder)
    .sort()
    .map((tuple) => {
      const { name, main } = readJson(join(folder, tuple, 'package.json'));
      return { name, folder: join(folder, tuple), file: main };
    });
}

/**
 * Lays out everything in `folder`: `main/` and `platforms/<tuple>/` for each addon found in `addons`.
 * Gives { main, platforms: [folder…], missing: [name…] }.
 */
export function stage(folder, addons = inRoot('native')) {
  for (const path of ['dist/index.js', 'native/index.js']) {
    if (!existsSync(inRoot(path))) throw new PlainError(`${path} is not there: run npm run build first`);
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const all = makePlatformFolders(join(folder, 'platforms'));
  const platforms = [];
  const missing = [];
  for (const each of all) {
    const built = join(addons, each.file);
    if (existsSync(built)) {
      copyFileSync(built, join(each.folder, each.file));
      copyFileSync(inRoot('LICENSE'), join(each.folder, 'LICENSE'));
      platforms.push(each.folder);
    } else {
      rmSync(each.folder, { recursive: true });
      missing.push(each.name);
    }
  }
  const main = join(folder, 'main');
  mkdirSync(join(main, 'native'), { recursive: true });
  cpSync(inRoot('dist'), join(main, 'dist'), { recursive: true });
  for (const path of ['native/index.js', 'native/index.d.ts', 'README.md', 'CHANGELOG.md', 'LICENSE']) {
    copyFileSync(inRoot(path), join(main, path));
  }
  writeJson(
    join(main, 'package.json'),
    publishedManifest(
      readPackage(),
      all.map(({ name }) => name),
    ),
  );
  return { main, platforms, missing };
}
