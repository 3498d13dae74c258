// What must hold of every attack, and what does not.

/** What a probe may take, ms, and how much later than the configured time an attacker may be gone. */
export const MOST_MS = 100;
export const GRACE_MS = 1_000;
/** Fewer probes than this have seen nothing. */
const LEAST_PROBES = 5;

/** How far heldMemory() may be off: each thread tells the process of larger changes only. */
const HELD_ERROR = 64 << 10;

const SLOW = 'probes took';
const LATE = 'by the clock';

/**
 * Whether all that is wrong are slow probes, or attackers that were gone in time but for the wait for a processor: the kernel
 * counts that wait, and not for a page or a disk. So it is tried once more, and both are shown; what is the server's own
 * shows twice.
 */
export const isWorthAnother = ({ problems }) =>
  problems.length > 0 && problems.every((problem) => problem.startsWith(SLOW) || problem.startsWith(LATE));

const PHASES = ['headers', 'body', 'request', 'send', 'idle', 'receiveRate', 'sendRate', 'handler'];
const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'];
const SERVER = 'millrace_http_server_';

/** What stats() counted, and the same of the metrics of the process, under the same names. */
function figures({ stats, counters }) {
  const by = (names, from) => Object.fromEntries(names.map((name) => [name, from(name)]));
  return {
    stats: {
      accepted: stats.connections.accepted,
      refused: stats.connections.refused,
      requests: stats.requests.total,
      errors: stats.requests.errors,
      aborted: stats.requests.aborted,
      failed: stats.requests.failed,
      ...by(PHASES, (phase) => stats.timeouts[phase]),
      ...by(CLASSES, (name) => stats.responses[name]),
    },
    metrics: {
      accepted: counters[`${SERVER}connections_accepted_total`],
      refused: counters[`${SERVER}connections_refused_total`],
      requests: counters[`${SERVER}requests_total`],
      errors: counters[`${SERVER}request_errors_total`],
      aborted: counters[`${SERVER}aborted_total`],
      failed: counters[`${SERVER}handler_errors_total`],
      ...by(PHASES, (phase) => counters[`${SERVER}timeouts_total{phase="${phase}"}`]),
      ...by(CLASSES, (name) => counters[`${SERVER}responses_total{class="${name}"}`]),
    },
    others: Object.fromEntries(
      Object.entries(counters)
        .filter(([name]) => /^millrace_(limit_exceeded|http_server_upgrades|reactor_panics)/.test(name))
        .map(([name, value]) => [/option="(.+)"/.exec(name)?.[1] ?? name, value]),
    ),
  };
}

const less = (one, other) => Object.fromEntries(Object.keys(one).map((name) => [name, one[name] - other[name]]));

/** How far the counters moved, without what the probes did. */
export function moved({ before, after, probes }) {
  const [old, fresh] = [figures(before), figures(after)];
  const [stats, metrics] = [less(fresh.stats, old.stats), less(fresh.metrics, old.metrics)];
  for (const each of [stats, metrics]) {
    each.accepted -= probes.length;
    each.requests -= probes.length;
    each['2xx'] -= probes.length;
  }
  return { stats, metrics, others: less(fresh.others, old.others) };
}

const fits = (value, wanted) => (Array.isArray(wanted) ? value >= wanted[0] && value <= wanted[1] : value === wanted);

/** Sentences about what does not hold; none when all is well. */
export function problems(attack, seen) {
  const wrong = [];
  const demand = (holds, sentence) => void (holds || wrong.push(sentence));
  const { probes, gone, ownGone, before, after, attackers } = seen;

  demand(probes.length >= LEAST_PROBES, `only ${probes.length} probes were sent`);
  const unanswered = probes.filter(({ status }) => status !== 200).length;
  demand(unanswered === 0, `${unanswered} of ${probes.length} probes were not answered with 200`);
  const slow = probes.filter(({ own }) => own >= MOST_MS).map(({ own, ms }) => `${own.toFixed(0)} (${ms.toFixed(0)})`);
  demand(slow.length === 0, `${SLOW} ${slow.join(', ')} ms (with the wait for a processor)`);

  demand(gone !== null, `attackers are still there: ${JSON.stringify(after.census)}`);
  const most = attack.within + GRACE_MS;
  demand(
    ownGone <= most,
    `the last attacker was gone after ${ownGone?.toFixed(0)} (${gone?.toFixed(0)}) ms, not ${most}`,
  );
  // All waits of a minute together excuse little at its end.
  demand(
    !(ownGone <= most) || gone - GRACE_MS <= most,
    `${LATE} the last attacker was gone after ${gone?.toFixed(0)} ms, not ${most}, ${ownGone?.toFixed(0)} without waits`,
  );

  demand(
    JSON.stringify(after.census) === JSON.stringify(before.census),
    `left behind: ${JSON.stringify(after.census)}, before: ${JSON.stringify(before.census)}`,
  );
  demand(after.held - before.held < HELD_ERROR, `${after.held} bytes are held for peers, ${before.held} before`);
  demand(
    after.descriptors <= before.descriptors,
    `${after.descriptors} descriptors are open, ${before.descriptors} before`,
  );
  demand(seen.grown <= attack.memory, `resident memory grew by ${seen.grown.toFixed(0)} MiB, not ${attack.memory}`);

  const complaint = attackers.complaint ?? attack.premise?.();
  demand(complaint === undefined, complaint);
  const { timeouts, responses, limits, upgrades, sums, ...counts } = attack.counted(attack.count);
  const { stats, metrics, others } = moved(seen);
  const wanted = { refused: 0, requests: 0, ...counts, ...timeouts, ...responses };
  for (const [names, sum] of Object.entries(sums ?? {})) {
    const each = names.split(' + ');
    const counted = each.reduce((total, name) => total + stats[name], 0);
    demand(counted === sum, `stats() counted ${counted} ${names}, not ${sum}`);
    for (const name of each) wanted[name] = [0, sum];
  }
  const refused = typeof wanted.refused === 'number' ? wanted.refused : stats.refused;
  const { connections } = attackers;
  wanted.accepted = Array.isArray(connections) ? connections : connections - refused;
  for (const name of Object.keys(stats)) {
    const want = wanted[name] ?? 0;
    demand(fits(stats[name], want), `stats() counted ${stats[name]} ${name}, not ${JSON.stringify(want)}`);
    demand(metrics[name] === stats[name], `the metrics counted ${metrics[name]} ${name}, stats() ${stats[name]}`);
  }
  const further = { ...limits, [`${SERVER}upgrades_total`]: upgrades ?? 0 };
  for (const [name, value] of Object.entries(others))
    demand(fits(value, further[name] ?? 0), `${name} moved by ${value}, not ${JSON.stringify(further[name] ?? 0)}`);
  return wrong;
}

/** The row of the table. */
export function summary(attack, seen) {
  const worst = (key) => Math.max(...seen.probes.map((one) => one[key]));
  return {
    attack: attack.name,
    size: attack.count,
    connections: [seen.attackers.connections].flat()[0],
    atOnce: seen.most,
    probes: seen.probes.length,
    worst: worst('ms'),
    own: worst('own'),
    gone: seen.gone,
    ownGone: seen.ownGone,
    allowed: attack.within + GRACE_MS,
    grown: seen.grown,
    held: seen.held,
    statuses: seen.attackers.statuses,
    problems: problems(attack, seen),
  };
}
