// The second try of what failed: alone, when all else is over. What fails on a machine that does other work and holds by
// itself is told loudly and stops nobody; what fails twice, or in many places, is a defect.
import { relative } from 'node:path';
import { root } from '../lib/root.mjs';
import { Failure } from './phase.mjs';

/** More files or targets than these are no chance: none of them is tried again. */
export const MOST_ALONE = 3;

const MOST_MESSAGE = 400;
const COLOURS = /\x1b\[[\d;]*m/g;

const withoutColours = (text) => text.replace(COLOURS, '');

/** What a failed expectation says, on one line and without its stack. */
export function brief(text) {
  const plain = withoutColours(text).split(/\n\s+at /)[0];
  const line = plain.replace(/\s+/g, ' ').trim();
  return line.length > MOST_MESSAGE ? `${line.slice(0, MOST_MESSAGE)}…` : line;
}

/** The files that failed by a report of Jest's (`--json`): each with the first thing that failed in it, and with all of it. */
export function failures(report) {
  return report.testResults
    .filter(({ status }) => status === 'failed')
    .map(({ name, message, assertionResults }) => {
      const first = assertionResults.find(({ status }) => status === 'failed');
      // A file that could not be run at all has no assertions.
      const said = first === undefined ? message : `${first.fullName}: ${first.failureMessages[0] ?? message}`;
      const details = withoutColours(message).trim();
      return { name: relative(root, name).replaceAll('\\', '/'), message: brief(said), details };
    });
}

/**
 * Runs what failed once more, one after the other: `again(one)` resolves to the outcome { failed } of such a run.
 * Resolves to a warning for each that passed; fails the phase when there are more than `MOST_ALONE`, or one fails again.
 * `what` they are is for the reader: test files, test targets.
 */
export async function tryAlone(failed, again, what) {
  const named = ({ name, note = '' }) => `${name}${note}`;
  if (failed.length > MOST_ALONE) {
    const all = failed.map((one) => `${named(one)}\n${one.details}`);
    throw new Failure(`${failed.length} ${what} failed\n\n${all.join('\n\n')}`);
  }
  const warnings = [];
  const twice = [];
  for (const one of failed) {
    const { failed: still } = await again(one);
    if (still.length === 0) warnings.push(`failed beside others, passed alone: ${named(one)}: ${one.message}`);
    else twice.push(`failed beside others and alone: ${named(one)}\n${still[0].details}`);
  }
  if (twice.length > 0) throw new Failure([...warnings, ...twice].join('\n\n'));
  return warnings;
}
