// What an idle connection costs: resident memory of a fresh server before and after 5 000 are opened.
import { fileURLToPath } from 'node:url';
import { Dialogue } from '../../measure/dialogue.mjs';
import { cores } from '../../measure/machine.mjs';
import { memory } from '../../measure/process-facts.mjs';
import { median } from '../../measure/statistics.mjs';
import { warm } from '../../measure/wrk.mjs';
import { startServer } from './servers.mjs';

export const CONNECTIONS = 5_000;
const SAMPLES = 5;
const BETWEEN_MS = 60;
const SETTLE_MS = 300;
const LIMIT_MS = 30_000;
const client = fileURLToPath(new URL('../../load/idle-connections.mjs', import.meta.url));
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Garbage is collected and given back before memory is read: what is left is what the connections hold.
async function settled(server) {
  await pause(SETTLE_MS);
  server.child.say('collect');
  await server.child.hear('collected', LIMIT_MS);
  await pause(SETTLE_MS);
  const samples = [];
  for (let i = 0; i < SAMPLES; i++) {
    samples.push(memory(server.pid));
    await pause(BETWEEN_MS);
  }
  return {
    resident: median(samples.map((each) => each.resident)),
    anonymous: median(samples.map((each) => each.anonymous)),
  };
}

/**
 * One sample from a fresh process, in bytes for each connection: `opened` when nothing has been sent on it, `answered`
 * when it has carried one request and waits for the next.
 *
 * The server has answered requests on 64 connections before, so that code and pools that come with the first request are
 * not counted. Sampling ends before the shortest idle timeout of any of the servers (node:http: 5 s).
 */
export async function sampleIdle(name) {
  const server = await startServer(name, { node: ['--expose-gc'] });
  let connections = null;
  try {
    await warm(cores.load, { url: server.url('/'), connections: 64, script: 'outcome' }, 1);
    const before = await settled(server);
    connections = new Dialogue(cores.load, process.execPath, [client, String(server.port), String(CONNECTIONS)]);
    const problems = [];
    const check = async (word, when) => {
      const count = Number(await connections.hear(word, LIMIT_MS));
      if (count !== CONNECTIONS) problems.push(`${count} of ${CONNECTIONS} connections ${when}`);
    };
    const each = (after, what) => (after[what] - before[what]) / CONNECTIONS;
    await check('opened', 'opened');
    const opened = await settled(server);
    connections.say('count');
    await check('open', 'still open when idle');
    connections.say('request');
    await check('answered', 'answered');
    const answered = await settled(server);
    connections.say('count');
    await check('open', 'still open after a request');
    return {
      opened: each(opened, 'resident'),
      answered: each(answered, 'resident'),
      openedAnonymous: each(opened, 'anonymous'),
      answeredAnonymous: each(answered, 'anonymous'),
      base: before.resident,
      problems,
    };
  } finally {
    await connections?.stop();
    await server.child.stop();
  }
}
