// What an idle connection costs: by how much the resident memory of a fresh server grows when 5 000 are opened.
import { fileURLToPath } from 'node:url';
import { Dialogue } from '../../measure/dialogue.mjs';
import { cores } from '../../measure/machine.mjs';
import { descriptors, memory } from '../../measure/process-facts.mjs';
import { warm } from '../../measure/wrk.mjs';
import { startServer } from './servers.mjs';

export const CONNECTIONS = 5_000;
const CYCLE_MS = 150;
/** Cycles of collection until V8 has given back what it took for a burst of work: seen after five to seven. */
const CYCLES = 9;
/** Requests before anything is counted, so that compiled code, the heap's generations and pools have their size. */
const WARM_SECONDS = 1;
const LIMIT_MS = 30_000;
const client = fileURLToPath(new URL('../../load/idle-connections.mjs', import.meta.url));
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Garbage is collected until its memory has gone back to the system: what is left is what is held.
async function settled(server) {
  for (let i = 0; i < CYCLES; i++) {
    server.child.say('collect');
    await server.child.hear('collected', LIMIT_MS);
    await pause(CYCLE_MS);
  }
  return memory(server.pid);
}

/**
 * One sample from a fresh process, in bytes for each connection: `opened` when nothing has been sent on it, `answered`
 * when it has carried one request and waits for the next.
 *
 * The first 5 000 connections are not counted, only the 5 000 after them: the first partly fill what the start and the
 * warm-up left free in allocators and tables, which makes small connections look smaller than they are (kept as `first`).
 * Sampling ends before the shortest idle timeout: 5 s after an answer in node:http, 10 s in uWebSockets.js.
 */
export async function sampleIdle(name) {
  const server = await startServer(name, { node: ['--expose-gc'] });
  const clients = [];
  const problems = [];
  const check = async (child, word) => {
    const seen = Number(await child.hear(word, LIMIT_MS));
    if (seen !== CONNECTIONS) problems.push(`${seen} of ${CONNECTIONS} connections ${word}`);
  };
  const open = async () => {
    const child = new Dialogue(cores.load, process.execPath, [client, String(server.port), String(CONNECTIONS)]);
    clients.push(child);
    await check(child, 'opened');
    return child;
  };
  try {
    await warm(cores.load, { url: server.url('/'), connections: 64, script: 'outcome' }, WARM_SECONDS);
    const base = await settled(server);
    const descriptorsBefore = descriptors(server.pid);
    await open();
    const before = await settled(server);
    const counted = await open();
    const opened = await settled(server);
    counted.say('request');
    await check(counted, 'answered');
    const answered = await settled(server);
    // A connection counts when the server has accepted it, and when it is still there.
    const held = descriptors(server.pid) - descriptorsBefore;
    if (held < 2 * CONNECTIONS) problems.push(`the server held ${held} of ${2 * CONNECTIONS} connections at the end`);
    const each = (after, from, what) => (after[what] - from[what]) / CONNECTIONS;
    return {
      opened: each(opened, before, 'resident'),
      answered: each(answered, before, 'resident'),
      first: each(before, base, 'resident'),
      openedAnonymous: each(opened, before, 'anonymous'),
      answeredAnonymous: each(answered, before, 'anonymous'),
      base: base.resident,
      problems,
    };
  } finally {
    for (const child of clients) await child.stop();
    await server.child.stop();
  }
}
