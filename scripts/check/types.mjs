// The declarations in dist/ as consumers see them: CommonJS and ES modules under node16, and a bundler.
import { readdirSync } from 'node:fs';
import { tool } from '../lib/command.mjs';
import { inRoot } from '../lib/root.mjs';
import { Failure, node, steps } from './phase.mjs';

export const about = 'test/types compiles against dist/ as CommonJS, as ES modules and in a bundler';
export const quick = false;

export async function run({ loud }) {
  const projects = readdirSync(inRoot('test/types')).filter((name) => /^tsconfig\..+\.json$/.test(name));
  if (!projects.length) throw new Failure('test/types has no tsconfig');
  const compile = (project) => node([tool('typescript/bin/tsc'), '-p', `test/types/${project}`], { loud });
  await steps(projects.map((project) => [project, null, () => compile(project)]));
  return projects.map((name) => name.split('.')[1]).join(', ');
}
