// Every attack that there is. A row:
//
//   name, about   what it is called, and what the attacker does
//   options       of serve() while it lasts
//   size          how many connections (or requests) in the short form, and in the full one
//   within        ms from which on, the clock started, no connection of the attacker may be left (a second is added)
//   run           (crowd, size, options): the attack; resolves when the clock of the last attacker has started
//   counted       (size) what stats() and the metrics must have counted, apart from the probes. What is not named must
//                 not have moved; a pair is a range. `sums`: of several together.
//   memory        MiB that the server's resident memory may grow by
//   gets          what the attacker gets, in words
//   tool          instead of `run`: a program of Debian's that attacks, and its arguments
//   premise       what must be true of the attack itself, or why it was none
//   wire          the attackers are in a network namespace of their own
//   full          what is different in the full form: a thousand drips of one process come late, so it has more time
import { bursts } from './bursts.mjs';
import { drips } from './drips.mjs';
import { floods } from './floods.mjs';
import { halfOpen } from './half-open.mjs';
import { resets } from './resets.mjs';
import { slowhttptest } from './slowhttptest.mjs';
import { slowReads } from './slow-reads.mjs';
import { storms } from './storms.mjs';
import { vanishing } from './vanished.mjs';

/** By family. */
const FAMILIES = {
  drips,
  'slow-reads': slowReads,
  'half-open': [...halfOpen, ...vanishing],
  resets,
  floods,
  storms,
  bursts,
  slowhttptest,
};

export const ATTACKS = Object.entries(FAMILIES).flatMap(([family, rows]) => rows.map((row) => ({ family, ...row })));

/** The attack in its short or its full form. */
export function formOf(attack, full) {
  return { ...attack, ...(full ? attack.full : {}), count: attack.size[full ? 'full' : 'short'] };
}

/** The attack of this name; throws where there is none. */
export function attackNamed(name) {
  const found = ATTACKS.find((attack) => attack.name === name);
  if (found === undefined) throw new Error(`no attack is called ${name}`);
  return found;
}

/** The attacks of a family, or the one of this name. */
export function attacksNamed(name) {
  return Object.hasOwn(FAMILIES, name) ? ATTACKS.filter(({ family }) => family === name) : [attackNamed(name)];
}
