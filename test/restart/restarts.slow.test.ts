import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { buildCommandLine } from '../support/command-line.js';
import { tellSkipped } from '../support/where.js';

const MAIN = join(__dirname, 'main.mjs');
const RESTARTS = 3;

interface Row {
  way: string;
  restarts: number;
  answered: number;
  notes: string[];
  wrk: { requests: number } | null;
  [count: string]: unknown;
}

beforeAll(buildCommandLine);

// `npm run restarts -- --count 100` is the long form.
test('rolling restarts under load lose no request, by each of the three ways', async () => {
  const args = [MAIN, '--count', String(RESTARTS), '--json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const [status] = (await once(child, 'close')) as [number | null];
  const rows = JSON.parse(out) as Row[];
  if (rows[0].wrk === null) tellSkipped(' without wrk, which is not on PATH (Debian: apt-get install wrk): its load');
  for (const row of rows) {
    expect(row).toMatchObject({ restarts: RESTARTS, not2xx: 0, wrong: 0, lost: 0, raced: 0, refused: 0, notes: [] });
    if (row.wrk !== null) expect(row.wrk).toMatchObject({ connect: 0, read: 0, not2xx: 0 });
    expect(row.answered).toBeGreaterThan(RESTARTS * 50);
  }
  expect(rows.map((row) => row.way)).toEqual(expect.arrayContaining(['handover', 'reuse-port']));
  expect(status).toBe(0);
}, 120_000);
