/** `test` and `describe`, or such as skip what they are given. */
export interface Where {
  readonly test: jest.It;
  readonly describe: jest.Describe;
}

/** Prints that something is skipped, past Jest's console: of a file in which all is skipped it shows nothing. */
export function tellSkipped(why: string): void {
  process.stderr.write(`skipped${why}\n`);
}

/** For tests that cannot run everywhere: where something is missing they are skipped, and it is printed why. */
export function where(what: string, missing: string | undefined): Where {
  if (missing === undefined) return { test, describe };
  tellSkipped(`: ${what}: ${missing}`);
  return { test: test.skip, describe: describe.skip };
}

/** What is missing where there is not each of these programs. */
export function lacking(programs: Readonly<Record<string, string | undefined>>): string | undefined {
  const [name] = Object.entries(programs).find(([, path]) => path === undefined) ?? [];
  return name === undefined ? undefined : `there is no ${name}`;
}

/** For tests that need tools which `requireTool` was asked for: it has printed why one is not there. */
export function testWith(...tools: readonly (string | undefined)[]): jest.It {
  return tools.includes(undefined) ? test.skip : test;
}
