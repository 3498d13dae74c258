// One attack, seen from outside: a server in one process, its attackers in another, and a probe in this one.
//
// A probe goes out, its connection ends, the server is asked what it holds: what it holds then is the attackers'. So
// the moment at which the last of them is gone is known to within one probe.
//
// The machine may be busy with other things. A probe that took long is therefore weighed: what the server's thread (and
// our own) spent in the run queue meanwhile, by the kernel's own count, is not the server's; nor is what the same
// probe took at an idle server at the same time. Both are kept beside the raw figure.
import { Child, waitedFor } from './child.mjs';
import { after, now } from './clock.mjs';
import { probe } from './probe.mjs';

/** Between two probes, ms. */
const PAUSE = 3;
/** How long an attack may build up, and how much longer than it should it may last, before it is given up, ms. */
const BUILD_UP = 120_000;
const PATIENCE = 15_000;

/** An idle server, for comparison. */
export async function startTwin() {
  const twin = new Child('target.mjs', ['{}']);
  const { port } = await twin.next();
  return { port, end: () => twin.end() };
}

/**
 * Runs an attack; resolves to what was seen. `launch(port)` starts the attackers: `poll` says when
 * the clock of the last has started, `stop` what was seen.
 */
export async function stage({ attack, options, poller, launch, twin, patience = PATIENCE }) {
  const target = new Child('target.mjs', [JSON.stringify(options)], { poller, flags: ['--expose-gc'] });
  let attackers;
  try {
    const { port } = await target.next();
    // The first requests are compiled; they are not the attack's.
    for (let count = 0; count < 20; count++) await probe(port);
    const before = await target.ask('facts');
    const memory = target.resident();
    attackers = launch(port);
    const seen = await watch({ target, port, twin, attackers, before, most: attack.within + patience });
    const last = await settled(target, before);
    return {
      ...seen,
      before,
      after: last,
      grown: target.resident().highest - memory.now,
      attackers: await attackers.stop(),
    };
  } finally {
    await attackers?.end();
    await target.end();
  }
}

/** Probes all through, until no connection of the attackers is left or patience is. */
async function watch({ target, port, twin, attackers, before, most: longest }) {
  const probes = [];
  let [pressed, gone, held, most, queued] = [undefined, undefined, 0, 0, 0];
  for (let stop = now() + BUILD_UP; gone === undefined && now() < stop;) {
    const one = await weighed(target, port, twin);
    probes.push(one);
    const look = await target.ask('look');
    most = Math.max(most, look.census.connections);
    held = Math.max(held, look.held);
    // What it holds was looked at after `pressed` was said, or it counts for nothing.
    if (pressed !== undefined && look.census.connections === 0) gone = now();
    if (pressed === undefined) {
      pressed = attackers.poll(look.accepted - before.stats.connections.accepted - probes.length)?.at;
      if (pressed !== undefined) [stop, queued] = [pressed + longest, target.waited()];
    }
    await after(PAUSE);
  }
  if (pressed === undefined) throw new Error(`the attack has not been built up in ${BUILD_UP} ms`);
  const took = gone === undefined ? null : gone - pressed;
  return { probes, gone: took, ownGone: took && Math.max(0, took - (target.waited() - queued)), most, held };
}

async function weighed(target, port, twin) {
  const queued = () => target.waited() + waitedFor(process.pid);
  const before = queued();
  const [one, idle] = await Promise.all([probe(port), probe(twin.port)]);
  const excused = Math.max(queued() - before, idle.ms);
  return { status: one.status, ms: one.ms, own: Math.max(0, one.ms - excused) };
}

/** The server's facts once it holds what it held before; after three seconds, whatever it holds. */
async function settled(target, before) {
  for (const stop = now() + 3_000; ; await after(20)) {
    const facts = await target.ask('facts');
    const same = JSON.stringify(facts.census) === JSON.stringify(before.census);
    if ((same && facts.descriptors <= before.descriptors && facts.held <= before.held) || now() > stop) return facts;
  }
}
