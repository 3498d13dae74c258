// Cases of raw TCP: bench/load/tcp-traffic.mjs speaks to a server, or through a relay to itself.
import { fileURLToPath } from 'node:url';
import { Dialogue } from '../measure/dialogue.mjs';
import { cores } from '../measure/machine.mjs';
import { cpuBetween, cpuTime, descriptors, memory, watchOtherWork } from '../measure/process-facts.mjs';
import { interleaved } from '../measure/rounds.mjs';

const program = fileURLToPath(new URL('../load/tcp-traffic.mjs', import.meta.url));
const LIMIT_MS = 120_000;
const WARM_MS = 500;
/** Messages before a server's first round: compiled code, pools and caches get their size. */
const WARM_MESSAGES = 20_000;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts the traffic, then a server that is told the port behind it; `node` is for Node itself. */
async function begin(name, start, node = []) {
  const client = new Dialogue(cores.load, process.execPath, [program]);
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
export const runPingPong = (names, { start, connections, size, rounds, seconds, tell }) =>
  interleaved(names, {
    rounds,
    tell,
    fields: ['user', 'system', 'total', 'rate', 'busy'],
    headline: 'total',
    async open(name) {
      const server = await begin(name, start);
      try {
        const [opened] = await numbers(server.client, `open ${server.port} ${connections}`, 'opened');
        if (opened !== connections) throw new Error(`${opened} of ${connections} connections opened`);
        for (let had = 0, times = 0; had < WARM_MESSAGES && times < 6; times++) {
          had += (await numbers(server.client, `pingpong ${size} ${WARM_MS}`, 'moved'))[0];
        }
        return { server, problems: [] };
      } catch (error) {
        await server.stop();
        throw error;
      }
    },
    async round({ client, pids }) {
      const otherWork = watchOtherWork(pids, cores, [client.pid]);
      const before = cpuTime(pids);
      const [moved, took] = await numbers(client, `pingpong ${size} ${seconds * 1_000}`, 'moved');
      const cpu = cpuBetween(before, cpuTime(pids));
      return {
        user: cpu.user / moved,
        system: cpu.system / moved,
        total: cpu.total / moved,
        rate: (moved / took) * 1e3,
        busy: cpu.total / 1e3 / took,
        problems: [],
        otherWork: otherWork(),
      };
    },
    close: (server) => server.stop(),
  });

/** `bytes` over one connection, `way` being `D` (from the server, or from behind it) or `U`: milliseconds of CPU per GB. */
export const runOneWay = (names, { start, way, bytes, warm, rounds, tell }) =>
  interleaved(names, {
    rounds,
    tell,
    fields: ['user', 'system', 'total', 'rate', 'busy'],
    headline: 'total',
    async open(name) {
      const server = await begin(name, start);
      try {
        const [read] = await numbers(server.client, `volume ${server.port} ${way} ${warm}`, 'read');
        if (read !== warm) throw new Error(`${read} of ${warm} bytes arrived`);
        return { server, problems: [] };
      } catch (error) {
        await server.stop();
        throw error;
      }
    },
    async round({ client, pids, port }) {
      const otherWork = watchOtherWork(pids, cores, [client.pid]);
      const before = cpuTime(pids);
      const [read, took] = await numbers(client, `volume ${port} ${way} ${bytes}`, 'read');
      const cpu = cpuBetween(before, cpuTime(pids));
      if (read !== bytes) throw new Error(`${read} of ${bytes} bytes arrived`);
      const each = (micros) => micros / 1e3 / (bytes / 1e9);
      return {
        user: each(cpu.user),
        system: each(cpu.system),
        total: each(cpu.total),
        rate: bytes / 1e3 / took,
        busy: cpu.total / 1e3 / took,
        problems: [],
        otherWork: otherWork(),
      };
    },
    close: (server) => server.stop(),
  });

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
