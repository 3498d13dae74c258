// The snippets of README.md and docs/ are right: those marked `run` are run, the others parse.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { find } from '../lib/command.mjs';
import { inRoot, root } from '../lib/root.mjs';
import { filesUnder } from '../lib/stamp.mjs';
import { Failure, collect } from './phase.mjs';
import { snippets } from './docs/snippets.mjs';

export const about = 'snippets of README.md and docs/: ```js run is run, the others are parsed';
export const quick = false;

const SCRIPTS = ['js', 'javascript', 'mjs', 'ts', 'typescript'];
const SHELL = ['sh', 'bash', 'shell'];
const LIMIT = 10_000;
/** Packages of others that recipes are for. */
const PEERS = [
  ...['ioredis', 'pino', 'prom-client', 'rate-limiter-flexible', '@opentelemetry/api', '@opentelemetry/api-logs'],
  ...['@opentelemetry/context-async-hooks', '@opentelemetry/core', '@opentelemetry/sdk-logs'],
  '@opentelemetry/sdk-trace-base',
];

function syntaxErrors(ts, { language, text }) {
  const fileName = language.startsWith('t') ? 'snippet.ts' : 'snippet.mjs';
  const { diagnostics } = ts.transpileModule(text, {
    fileName,
    reportDiagnostics: true,
    compilerOptions: { target: 'esnext', module: 'esnext', allowJs: true },
  });
  return diagnostics.map((each) => ts.flattenDiagnosticMessageText(each.messageText, '\n')).join('\n');
}

async function execute(ts, folder, { language, text }) {
  const isModule = !/\brequire\(/.test(text);
  const name = `snippet.${SHELL.includes(language) ? 'sh' : isModule ? 'mjs' : 'cjs'}`;
  const options = { compilerOptions: { target: 'es2022', module: isModule ? 'esnext' : 'commonjs' } };
  const body = language.startsWith('t') ? ts.transpileModule(text, options).outputText : text;
  writeFileSync(join(folder, name), body);
  const [program, args] = SHELL.includes(language) ? ['bash', ['-eu', name]] : [process.execPath, [name]];
  return collect(program, args, { cwd: folder, timeout: LIMIT });
}

export async function run() {
  const ts = createRequire(import.meta.url)('typescript');
  const files = [inRoot('README.md'), ...filesUnder(inRoot('docs'))].filter((path) => path.endsWith('.md'));
  const folder = mkdtempSync(join(tmpdir(), 'millrace-docs-'));
  const wrong = [];
  let ran = 0;
  let parsed = 0;
  try {
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules/millrace'), 'junction');
    for (const name of PEERS) {
      const place = join(folder, 'node_modules', name);
      mkdirSync(dirname(place), { recursive: true });
      symlinkSync(inRoot('node_modules', name), place, 'junction');
    }
    for (const path of files) {
      for (const snippet of snippets(readFileSync(path, 'utf8'))) {
        const where = `${relative(root, path)}:${snippet.line}`;
        if (SCRIPTS.includes(snippet.language)) {
          const errors = syntaxErrors(ts, snippet);
          if (errors) wrong.push(`${where}: ${errors}`);
        } else if (SHELL.includes(snippet.language)) {
          if (!find('bash')) continue;
          writeFileSync(join(folder, 'parse.sh'), snippet.text);
          const { status, out } = await collect('bash', ['-n', 'parse.sh'], { cwd: folder });
          if (status !== 0) wrong.push(`${where}: ${out}`);
        } else if (!snippet.run) continue;
        else wrong.push(`${where}: a snippet in "${snippet.language}" cannot be run`);
        if (!snippet.run) {
          parsed++;
          continue;
        }
        ran++;
        const { status, out } = await execute(ts, folder, snippet);
        if (status !== 0) wrong.push(`${where}: the snippet ended with status ${status}\n${out}`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (wrong.length) throw new Failure(wrong.join('\n'));
  return `${ran} run, ${parsed} parsed`;
}
