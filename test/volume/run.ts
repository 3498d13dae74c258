import { runProgram } from '../support/program.js';
import { tellSkipped } from '../support/where.js';

/** Runs a program of test/volume to its end, which must be a good one; what it said. */
export async function runVolume(name: string, args: readonly string[] = []): Promise<string> {
  const { code, signal, stdout, stderr } = await runProgram(name, args, { folder: 'volume', timeout: 110_000 });
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  if (stdout.startsWith('skipped: ')) tellSkipped(`: ${name}: ${stdout.trim().slice('skipped: '.length)}`);
  return stdout;
}
