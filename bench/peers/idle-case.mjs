// A case of idle connections: by how much the resident memory of a fresh server grows when thousands are opened.
import { fileURLToPath } from 'node:url';
import { Dialogue } from '../measure/dialogue.mjs';
import { cores } from '../measure/machine.mjs';
import { descriptors, memory } from '../measure/process-facts.mjs';
import { interleaved } from '../measure/rounds.mjs';
import { warm } from '../measure/wrk.mjs';

const CYCLE_MS = 150;
/** Cycles of collection until V8 has given back what it took for a burst of work: seen after five to seven. */
const CYCLES = 9;
/** Requests before anything is counted, so that compiled code, the heap's generations and pools have their size. */
const WARM_SECONDS = 1;
const LIMIT_MS = 30_000;
const client = fileURLToPath(new URL('../load/idle-connections.mjs', import.meta.url));
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Garbage is collected until its memory has gone back to the system: what is left is what is held. A server that is no
// program of ours has no collector, and is only given the same time.
async function settled({ child, pids }) {
  for (let i = 0; i < CYCLES; i++) {
    child?.say('collect');
    await child?.hear('collected', LIMIT_MS);
    await pause(CYCLE_MS);
  }
  return memory(pids.at(-1));
}

/**
 * One sample from a fresh process, in bytes for each connection: `opened` when nothing has been sent on it, `answered`
 * when it has carried one request and waits for the next.
 *
 * The first connections are not counted, only the as many after them. Opened, they partly fill what the start and the
 * warm-up left free in allocators and tables, which makes small connections look smaller than they are (kept as `first`);
 * answered, they have the process, and the arenas of V8's threads, grow to what so many requests want, which is paid
 * once and not for each connection.
 * Sampling ends before the shortest idle timeout: 5 s after an answer in node:http, 10 s in uWebSockets.js.
 */
async function sample(name, { start, connections, scheme }) {
  const server = await start(name, { node: ['--expose-gc'] });
  const pid = server.pids.at(-1);
  const clients = [];
  const problems = [];
  const check = async (child, word) => {
    const seen = Number(await child.hear(word, LIMIT_MS));
    if (seen !== connections) problems.push(`${seen} of ${connections} connections ${word}`);
  };
  const open = async () => {
    const args = [client, String(server.port), String(connections), scheme];
    const child = new Dialogue(cores.load, process.execPath, args);
    clients.push(child);
    await check(child, 'opened');
    return child;
  };
  const request = (child) => {
    child.say('request');
    return check(child, 'answered');
  };
  try {
    await warm(cores.load, { url: server.url('/'), connections: 64, script: 'outcome' }, WARM_SECONDS);
    const base = await settled(server);
    const descriptorsBefore = descriptors(pid);
    const uncounted = await open();
    const first = await settled(server);
    await request(uncounted);
    const before = await settled(server);
    const counted = await open();
    const opened = await settled(server);
    await request(counted);
    const answered = await settled(server);
    // A connection counts when the server has accepted it, and when it is still there.
    const held = descriptors(pid) - descriptorsBefore;
    if (held < 2 * connections) problems.push(`the server held ${held} of ${2 * connections} connections at the end`);
    const each = (after, from, what) => (after[what] - from[what]) / connections;
    return {
      opened: each(opened, before, 'resident'),
      answered: each(answered, before, 'resident'),
      first: each(first, base, 'resident'),
      openedAnonymous: each(opened, before, 'anonymous'),
      answeredAnonymous: each(answered, before, 'anonymous'),
      base: base.resident,
      problems,
    };
  } finally {
    for (const child of clients) await child.stop();
    await server.stop();
  }
}

/** Samples the named servers: `connections` of `scheme` ("http" or "https") to what `start(name, { node })` gives. */
export const runIdle = (names, { start, connections, scheme, rounds, tell }) =>
  interleaved(names, {
    rounds,
    tell,
    round: (name) => sample(name, { start, connections, scheme }),
    fields: ['opened', 'answered', 'first', 'openedAnonymous', 'answeredAnonymous', 'base'],
    headline: 'opened',
  });
