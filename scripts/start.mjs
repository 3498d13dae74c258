// npm start [-- arguments of `millrace serve`]: sets up what is missing, then runs the server with its demo page.
import { existsSync } from 'node:fs';
import Module from 'node:module';
import { addonIsCurrent, buildAddon } from './lib/addon.mjs';
import { PlainError, main, run } from './lib/command.mjs';
import { inRoot } from './lib/root.mjs';
import { prepare } from './lib/setup.mjs';
import { typeScriptIsCurrent } from './lib/typescript.mjs';

await main(
  () => {
    const compiles = !addonIsCurrent();
    prepare({ compiles });
    if (compiles) buildAddon();
    // In a process of its own: the compiler's memory must not show in the server's.
    if (!typeScriptIsCurrent()) run(process.execPath, [inRoot('scripts/build.mjs'), '--only', 'typescript']);
    const cli = inRoot('dist/cli/main.js');
    if (!existsSync(cli)) throw new PlainError('dist/cli/main.js is not there: the build made no command line');
    // The command line runs in this process, so that a signal (Ctrl-C) reaches it once and from nobody between.
    process.argv = [process.argv[0], cli, 'serve', '--demo', ...process.argv.slice(2)];
    Module.runMain(cli);
  },
  { help: false },
);
