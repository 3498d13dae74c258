import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { where } from './where.js';

const MAIN = join(__dirname, '../attack/main.mjs');

/** How a server bore an attack: what `test/attack/lib/judge.mjs` sums up. */
export interface Borne {
  readonly attack: string;
  readonly poller: string;
  readonly connections: number;
  readonly probes: number;
  /** The slowest probe, and without the time in which the server had no processor, ms. */
  readonly worst: number;
  readonly own: number;
  readonly problems: readonly string[];
}

/** An attack of the catalogue. */
export interface Attack {
  readonly name: string;
  readonly family: string;
  /** Why it cannot be run here. */
  readonly missing?: string;
}

/** All attacks that there are. */
export function allAttacks(): Attack[] {
  const list = execFileSync(process.execPath, [MAIN, '--list', '--json'], {
    encoding: 'utf8',
    // Jest's own copy, with what a test has put on PATH.
    env: process.env,
  });
  return list
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Attack);
}

/** Attacks in their short form, several at a time; what came of each is there as soon as it is over. */
export class AttackRun {
  readonly #child: ChildProcess;
  readonly #rows = new Map<string, Borne>();
  #said = '';
  #ended = false;
  #told: (() => void)[] = [];

  constructor(names: readonly string[], args: readonly string[] = []) {
    const env: NodeJS.ProcessEnv = { ...process.env };
    // Jest's own settings are not the program's.
    for (const key of ['NODE_OPTIONS', 'JEST_WORKER_ID', 'NODE_ENV']) delete env[key];
    this.#child = spawn(process.execPath, [MAIN, ...names, '--json', ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      const row = JSON.parse(line) as Borne;
      this.#rows.set(`${row.attack} ${row.poller}`, row);
      this.#tell();
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    this.#child.on('close', () => {
      this.#ended = true;
      this.#tell();
    });
  }

  /** How an attack was borne; rejects when the run ends without it. */
  async borne(name: string, poller = 'nested'): Promise<Borne> {
    for (;;) {
      const row = this.#rows.get(`${name} ${poller}`);
      if (row !== undefined) return row;
      if (this.#ended) throw new Error(`nothing is known of ${name}: ${this.#said}`);
      await new Promise<void>((resolve) => this.#told.push(resolve));
    }
  }

  /** Ends the run, where it has not. */
  async end(): Promise<void> {
    if (!this.#ended) this.#child.kill();
    while (!this.#ended) await new Promise<void>((resolve) => this.#told.push(resolve));
  }

  #tell(): void {
    for (const resolve of this.#told.splice(0)) resolve();
  }
}

/** Declares a test for each attack of the families: nothing may be left that did not hold. */
export function testAttacks(families: readonly string[], together: number): void {
  const attacks = allAttacks().filter(({ family }) => families.includes(family));
  const able = attacks.filter(({ missing }) => missing === undefined).map(({ name }) => name);
  let run: AttackRun;
  beforeAll(() => {
    run = new AttackRun(able, ['--together', String(together)]);
  });
  afterAll(() => run.end());
  test.each(able)(
    'under %s a probe is answered in 100 ms, the attackers are gone in time, nothing stays, all is counted',
    async (name) => {
      const { problems, probes } = await run.borne(name);
      expect(problems).toEqual([]);
      expect(probes).toBeGreaterThan(0);
    },
    90_000,
  );
  for (const { name, missing } of attacks) {
    if (missing !== undefined) where(name, missing).test(`under ${name}`, () => undefined);
  }
}
