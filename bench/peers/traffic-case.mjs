// Cases of raw TCP: bench/load/tcp-traffic.c speaks to a server, or through a relay to itself.
import { compiled } from '../measure/compiled.mjs';
import { Dialogue } from '../measure/dialogue.mjs';
import { CPU_ROUND, PER_GIGABYTE, PER_MESSAGE, cpuRound, openedOrStopped } from '../measure/cpu-round.mjs';
import { cores } from '../measure/machine.mjs';
import { descriptors, memory } from '../measure/process-facts.mjs';
import { interleaved } from '../measure/rounds.mjs';

const LIMIT_MS = 120_000;
const WARM_MS = 500;
/** Messages before a server is measured: compiled code, pools and caches get their size. */
const WARM_MESSAGES = 20_000;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts the traffic, then a server that is told the port behind it; `node` is for Node itself. */
async function begin(name, start, node = []) {
  const client = new Dialogue(cores.load, compiled('tcp-traffic'), []);
  try {
    const behind = Number(await client.hear('listening', LIMIT_MS));
    const server = await start(name, { behind, node });
    const stop = async () => {
      await client.stop();
      await server.stop();
    };
    return { ...server, client, stop };
  } catch (error) {
    await client.stop();
    throw error;
  }
}

async function numbers(client, line, word) {
  client.say(line);
  return (await client.hear(word, LIMIT_MS)).split(' ').map(Number);
}

/** `connections` send `size` bytes each, and again when they have come back: microseconds of CPU for each time. */
export function runPingPong(names, { start, connections, size, rounds, seconds, tell }) {
  const bounce = (client, ms) => numbers(client, `pingpong ${size} ${ms}`, 'moved');
  return interleaved(names, {
    rounds,
    tell,
    ...CPU_ROUND,
    open: async (name) =>
      openedOrStopped(await begin(name, start), async ({ client, port }) => {
        const [opened] = await numbers(client, `open ${port} ${connections}`, 'opened');
        if (opened !== connections) throw new Error(`${opened} of ${connections} connections opened`);
        for (let had = 0, times = 0; had < WARM_MESSAGES && times < 6; times++)
          had += (await bounce(client, WARM_MS))[0];
      }),
    round: (server) => cpuRound(server, PER_MESSAGE, () => bounce(server.client, seconds * 1_000)),
    close: (server) => server.stop(),
  });
}

/** `bytes` over one connection, `way` being `D` (from the server, or from behind it) or `U`: milliseconds of CPU per GB. */
export function runOneWay(names, { start, way, bytes, warm, rounds, tell }) {
  const move = async ({ client, port }, amount) => {
    const [read, took] = await numbers(client, `volume ${port} ${way} ${amount}`, 'read');
    if (read !== amount) throw new Error(`${read} of ${amount} bytes arrived`);
    return [read, took];
  };
  return interleaved(names, {
    rounds,
    tell,
    ...CPU_ROUND,
    open: async (name) => openedOrStopped(await begin(name, start), async (server) => void (await move(server, warm))),
    round: (server) => cpuRound(server, PER_GIGABYTE, () => move(server, bytes)),
    close: (server) => server.stop(),
  });
}

const CYCLES = 9;
const CYCLE_MS = 150;

// As in idle-case.mjs: what is left when garbage has gone back to the system.
async function settled({ child, pids }) {
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    child?.say('collect');
    await child?.hear('collected', LIMIT_MS);
    await pause(CYCLE_MS);
  }
  return memory(pids.at(-1)).resident;
}

async function sample(name, { start, connections, before }) {
  const server = await begin(name, start, ['--expose-gc']);
  const { client, pids, port } = server;
  const problems = [];
  try {
    const base = await settled(server);
    const held = descriptors(pids.at(-1));
    await numbers(client, `open ${port} ${before}`, 'opened');
    await numbers(client, 'ping', 'answered');
    const first = await settled(server);
    await numbers(client, `open ${port} ${connections}`, 'opened');
    const opened = await settled(server);
    const [answered] = await numbers(client, 'ping', 'answered');
    if (answered !== before + connections) problems.push(`${answered} of ${before + connections} connections answered`);
    const after = await settled(server);
    const holds = descriptors(pids.at(-1)) - held;
    if (holds < before + connections) problems.push(`the server held ${holds} descriptors more at the end`);
    return { opened: (opened - first) / connections, answered: (after - first) / connections, base, problems };
  } finally {
    await server.stop();
  }
}

/** Memory for each of so many connections, as many as `before` being open already: opened, and after a byte each way. */
export const runHeld = (names, { start, connections, before, rounds, tell }) =>
  interleaved(names, {
    rounds,
    tell,
    round: (name) => sample(name, { start, connections, before }),
    fields: ['opened', 'answered', 'base'],
    headline: 'opened',
  });
