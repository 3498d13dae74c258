#!/usr/bin/env node
/** The command line: `millrace <command>`. */
import { version } from '../index.js';
import { Complaint } from './complaint.js';
import { GET_HELP, getCommand } from './get.js';
import { PROXY_HELP, proxyCommand } from './proxy.js';
import { SERVE_HELP, serveCommand } from './serve.js';

const HELP = `millrace ${version()}: a networking toolkit for Node.js

Usage:
${SERVE_HELP}
${GET_HELP}
${PROXY_HELP}
  millrace --version
  millrace --help
`;

/** Runs the command of these arguments; resolves when it runs by itself, or is done. */
async function main(args: string[]): Promise<void> {
  const [command, ...rest] = args;
  switch (command) {
    case 'serve':
      if (rest.includes('--help') || rest.includes('-h')) process.stdout.write(HELP);
      else await serveCommand(rest);
      return;
    case 'get':
      if (rest.includes('--help') || rest.includes('-h')) process.stdout.write(HELP);
      else await getCommand(rest);
      return;
    case 'proxy':
      if (rest.includes('--help') || rest.includes('-h')) process.stdout.write(`Usage:\n${PROXY_HELP}`);
      else await proxyCommand(rest);
      return;
    case '--version':
    case '-v':
      console.log(version());
      return;
    case '--help':
    case '-h':
      process.stdout.write(HELP);
      return;
    case undefined:
      throw new Complaint(`a command is missing\n\n${HELP}`, 2);
    default:
      throw new Complaint(`there is no command ${JSON.stringify(command)}; millrace --help lists what there is`, 2);
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof Complaint) {
    console.error(`millrace: ${error.message}`);
    process.exit(error.status);
  }
  console.error(error);
  process.exit(1);
});
