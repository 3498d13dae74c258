#!/usr/bin/env node
/** `millrace` on the command line. */
import { version } from '../index.js';
import { serveCommand, SERVE_HELP } from './serve-command.js';
import { UsageError } from './usage-error.js';

const HELP = `Usage: millrace <command> [options]

Commands:
  serve [dir | module]   serve a folder, or a module that exports a handler
  --version              print the version
  --help                 print this; millrace serve --help prints a command's options
`;

async function main(words: string[]): Promise<void> {
  const [command, ...rest] = words;
  if (command === '--version' || command === '-v') process.stdout.write(`${version()}\n`);
  else if (command === undefined || command === '--help' || command === '-h') process.stdout.write(HELP);
  else if (command === 'serve' && rest.includes('--help')) process.stdout.write(SERVE_HELP);
  else if (command === 'serve') await serveCommand(rest);
  else throw new UsageError(`there is no command "${command}"`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const usage = error instanceof UsageError;
  process.stderr.write(`millrace: ${error instanceof Error ? error.message : String(error)}\n`);
  if (usage) process.stderr.write('Try millrace --help.\n');
  process.exitCode = usage ? 2 : 1;
});
