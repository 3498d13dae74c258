import { execFile } from 'node:child_process';

const LIMIT_MS = 40_000;

/** A program that others wrote, to its end, with nothing of our own environment that has to do with proxies. */
export function runOthers(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string,
): Promise<{ code: number; out: string }> {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/_proxy$/i.test(name)));
  return new Promise((resolve) => {
    const options = { env: { ...clean, ...env }, timeout: LIMIT_MS, cwd };
    execFile(program, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code ?? -1);
      resolve({ code, out: stdout + (code === 0 ? '' : stderr) });
    });
  });
}
