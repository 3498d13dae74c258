// Makes every generated file from its data file; with --check it only says which have drifted.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const check = process.argv.includes('--check');
let drifted = 0;

for (const name of readdirSync(join(root, 'scripts/generate')).sort()) {
  const generator = await import(pathToFileURL(join(root, 'scripts/generate', name)));
  const sources = generator.sources ?? [generator.source];
  const source = sources.join(', ');
  const files = generator.generate(...sources.map((path) => JSON.parse(readFileSync(join(root, path), 'utf8'))));
  for (const [file, made] of Object.entries(files)) {
    const text = file.endsWith('.rs')
      ? execFileSync('rustfmt', ['--edition', '2024', '--config-path', root], { input: made, encoding: 'utf8' })
      : made;
    const path = join(root, file);
    let current = null;
    try {
      current = readFileSync(path, 'utf8');
    } catch {
      // not made yet
    }
    if (current === text) continue;
    drifted++;
    if (check) {
      console.error(`${file} differs from what ${source} makes: run npm run generate`);
    } else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      console.log(`wrote ${file}`);
    }
  }
}
if (check && drifted) process.exit(1);
