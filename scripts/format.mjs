// npm run format: writes every source file in the house form.
import { main, run, tool } from './lib/command.mjs';
import { prepare } from './lib/setup.mjs';
import { prettierFiles } from './check/format.mjs';

await main(() => {
  prepare();
  run('cargo', ['fmt', '--all']);
  run(process.execPath, [tool('prettier/bin/prettier.cjs'), '--write', '--log-level', 'warn', ...prettierFiles]);
});
