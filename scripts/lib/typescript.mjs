// Makes dist/ of ts/: each public entry as one CommonJS file (bundle.mjs), beside it an ES wrapper that lends out the
// same instance, and all declarations. What the compiler emits goes to .cache/compiled first.
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { bundle, holderOf, isApart } from './bundle.mjs';
import { PlainError } from './command.mjs';
import { exclusively } from './lock.mjs';
import { inRoot, readPackage, root } from './root.mjs';
import { clearStamp, filesUnder, hashOf, readStamp, writeStamp } from './stamp.mjs';

const isTypeScript = (path) => /\.[cm]?ts$/.test(path);

/** The public entries of the package: names of the modules in ts/ whose ES wrapper package.json exports. */
export function entries() {
  return Object.values(readPackage().exports)
    .map((entry) => entry?.import?.default)
    .filter(Boolean)
    .map((path) => path.replace(/^\.\/dist\//, '').replace(/\.mjs$/, ''));
}

const inputs = () => [
  ...filesUnder(inRoot('ts')),
  ...[
    'tsconfig.json',
    'tsconfig.build.json',
    'package.json',
    'package-lock.json',
    'scripts/lib/typescript.mjs',
    'scripts/lib/bundle.mjs',
    'scripts/lib/rooms.mjs',
  ].map((path) => inRoot(path)),
];

function readConfig(ts) {
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (d) => fail(ts, [d]) };
  const config = ts.getParsedCommandLineOfConfigFile(inRoot('tsconfig.build.json'), {}, host);
  if (config.errors.length) fail(ts, config.errors);
  return config;
}

function fail(ts, diagnostics) {
  const host = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => root, getNewLine: () => '\n' };
  const format = process.stderr.isTTY ? ts.formatDiagnosticsWithColorAndContext : ts.formatDiagnostics;
  throw new PlainError(`TypeScript found errors\n${format(diagnostics, host)}`);
}

/** What a module exports at run time: { name, module, isFunction }, with the module of ts/ that declares it. */
function valuesOf(ts, program, file) {
  const checker = program.getTypeChecker();
  const symbol = checker.getSymbolAtLocation(program.getSourceFile(file));
  if (!symbol) return [];
  return checker
    .getExportsOfModule(symbol)
    .map((each) => [each, each.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(each) : each])
    .filter(([each, target]) => (target.flags & ts.SymbolFlags.Value) !== 0 && !isTypeOnly(ts, each))
    .map(([{ name }, target]) => ({
      name,
      module: relative(inRoot('ts'), target.valueDeclaration.getSourceFile().fileName).replaceAll('\\', '/'),
      isFunction: (target.flags & ts.SymbolFlags.Function) !== 0,
    }))
    .filter(({ name }) => name !== 'default')
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

// `export type { Server }` names a class that is not there at run time.
function isTypeOnly(ts, symbol) {
  return (symbol.declarations ?? []).some(
    (node) => ts.isExportSpecifier(node) && (node.isTypeOnly || node.parent.parent.isTypeOnly),
  );
}

/** The text of the ES wrapper of a CommonJS module. `import` of it would have Node scan all of it for names first. */
export function wrapper(path, names) {
  return `// Made by the build. The CommonJS module holds the state; this lends its names to ES modules, so there is one copy.
import { createRequire } from 'node:module';
export const {
${names.map((name) => `  ${name},`).join('\n')}
} = createRequire(import.meta.url)('./${path}');
`;
}

function writeEntries(ts, program) {
  const made = [];
  for (const entry of entries()) {
    const source = inRoot('ts', `${entry}.ts`);
    const base = inRoot('dist', entry);
    const names = valuesOf(ts, program, source).map(({ name }) => name);
    writeFileSync(`${base}.mjs`, wrapper(holderOf(entry), names));
    writeFileSync(`${base}.d.mts`, `export * from './${basename(entry)}.js';\n`);
    made.push(`${base}.mjs`, `${base}.d.mts`);
  }
  return made;
}

function copy(files, from) {
  return files.map((path) => {
    const to = join(inRoot('dist'), relative(from, path));
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(path, to);
    return to;
  });
}

/** Copies what is not TypeScript (pages of the demo, say) to the same place in dist/. */
const copyAssets = () =>
  copy(
    filesUnder(inRoot('ts')).filter((path) => !isTypeScript(path)),
    inRoot('ts'),
  );

/** Copies the declarations, and the modules that are in no bundle. */
function copyCompiled(ts, config) {
  const folder = config.options.outDir;
  const emitted = config.fileNames
    .filter((name) => !name.endsWith('.d.ts'))
    .flatMap((name) => ts.getOutputFileNames(config, name, false));
  return copy(
    emitted.filter((path) => path.endsWith('.d.ts') || isApart(relative(folder, path))),
    folder,
  );
}

/** Whether dist/ holds what the present sources make. */
export function typeScriptIsCurrent(hash = hashOf(inputs())) {
  return (
    readStamp('typescript')?.hash === hash && entries().every((entry) => existsSync(inRoot('dist', `${entry}.mjs`)))
  );
}

/** Compiles ts/ when its sources have changed since the last time; says whether it did. */
export async function buildTypeScript({ force = false } = {}) {
  if (!force && typeScriptIsCurrent()) return false;
  return exclusively(async () => {
    const hash = hashOf(inputs());
    if (!force && typeScriptIsCurrent(hash)) return false;
    await compile(hash, force);
    return true;
  });
}

async function compile(hash, force) {
  console.error('millrace: compiling TypeScript');
  // Without its outputs, what the compiler remembers of them is wrong.
  if (force || !readStamp('typescript') || !existsSync(inRoot('.cache/compiled')))
    rmSync(inRoot('.cache/build.tsbuildinfo'), { force: true });
  clearStamp('typescript');
  const ts = createRequire(import.meta.url)('typescript');
  const config = readConfig(ts);
  mkdirSync(inRoot('.cache'), { recursive: true });
  const host = ts.createIncrementalCompilerHost(config.options);
  const builder = ts.createIncrementalProgram({ rootNames: config.fileNames, options: config.options, host });
  const program = builder.getProgram();
  const errors = [
    ...config.errors,
    ...builder.getConfigFileParsingDiagnostics(),
    ...builder.getOptionsDiagnostics(),
    ...builder.getGlobalDiagnostics(),
    ...builder.getSyntacticDiagnostics(),
    ...builder.getSemanticDiagnostics(),
  ];
  if (errors.length) fail(ts, errors);
  const { diagnostics } = builder.emit();
  if (diagnostics.length) fail(ts, diagnostics);

  const exported = valuesOf(ts, program, inRoot('ts/index.ts'));
  const made = [
    ...copyCompiled(ts, config),
    ...(await bundle(ts, entries(), exported)),
    ...writeEntries(ts, program),
    ...copyAssets(),
  ];
  const outputs = new Set(made.map((path) => relative(root, path)));
  // The output of a source that is gone must not be published.
  for (const path of filesUnder(inRoot('dist'))) if (!outputs.has(relative(root, path))) rmSync(path);
  writeStamp('typescript', { hash });
}
