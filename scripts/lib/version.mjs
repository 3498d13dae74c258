// The places that state the version of the product, and how each is rewritten.

/** A move to another version: { old, texts: { path: text } }. `read` gives the present text of a path. */
export function bumped(version, date, read) {
  if (!/^\d+\.\d+\.\d+(-[0-9a-z.]+)?$/.test(version))
    throw new Error(`${version} is not a version of the form 1.2.3 or 1.2.3-rc.1`);
  const manifest = JSON.parse(read('package.json'));
  const old = manifest.version;
  const lock = JSON.parse(read('package-lock.json'));
  manifest.version = lock.version = lock.packages[''].version = version;
  const json = (value) => `${JSON.stringify(value, null, 2)}\n`;
  const texts = {
    'package.json': json(manifest),
    'package-lock.json': json(lock),
    'Cargo.toml': once(
      read('Cargo.toml'),
      /(\[workspace\.package\]\n(?:[^[]*\n)?version = )"[^"]+"/,
      `$1"${version}"`,
      'Cargo.toml',
    ),
    // Our own crates are the ones without a source.
    'Cargo.lock': read('Cargo.lock').replace(/(name = "millrace-[^"]+"\nversion = )"[^"]+"/g, `$1"${version}"`),
    'CHANGELOG.md': once(
      read('CHANGELOG.md'),
      /^## \[Unreleased\]$/m,
      `## [Unreleased]\n\n## [${version}] - ${date}`,
      'CHANGELOG.md',
    ),
  };
  return { old, texts };
}

function once(text, pattern, replacement, name) {
  if (!pattern.test(text)) throw new Error(`${name} has no place for the version that matches ${pattern}`);
  return text.replace(pattern, replacement);
}
