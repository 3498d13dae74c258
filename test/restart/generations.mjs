// The ways in which one generation of the server follows another on the same port.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const SERVER = join(here, 'server.mjs');
const LISTENER = join(here, 'listener.pl');
const PATIENCE = 30_000;

/** Each way, and what it promises; `start` answers with { port, replace(), end() }. */
export const WAYS = {
  handover: { about: 'the old process gives its listening socket to the new one', start: startHandover },
  activation: { about: 'somebody else keeps the listening socket; old ends, then new starts', start: startActivation },
  'reuse-port': { about: 'the new process listens on the same port, then the old one ends', start: startReusePort },
};

/** Messages, one line of JSON each, that processes say on a shared output. */
class Sayings {
  constructor(stream) {
    this.said = [];
    this.waiting = [];
    createInterface({ input: stream }).on('line', (line) => {
      this.said.push(JSON.parse(line));
      for (const look of this.waiting) look();
    });
  }

  /** The first message for which `holds`. */
  async until(holds, what) {
    return patiently(
      new Promise((resolve) => {
        const look = () => {
          const found = this.said.find(holds);
          if (found !== undefined) resolve(found);
        };
        this.waiting.push(look);
        look();
      }),
      what,
    );
  }
}

async function patiently(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${PATIENCE} ms: ${what}`)), PATIENCE);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a process that need not be our child still runs; one that nobody has waited for yet does not. */
function runs(pid) {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function gone(pid) {
  const end = performance.now() + PATIENCE;
  while (runs(pid)) {
    if (performance.now() > end) throw new Error(`the process ${pid} has not ended within ${PATIENCE} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const environment = () => ({ ...process.env, NODE_OPTIONS: '' });

function startProcess(options) {
  const child = spawn(process.execPath, [SERVER, JSON.stringify(options)], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { child, says: new Sayings(child.stdout) };
}

/** Ends a child; its exit status has to be 0, as everything was finished. */
async function finish(child) {
  const ended = child.exitCode === null ? once(child, 'exit') : [child.exitCode];
  child.kill('SIGTERM');
  const [code, signal] = await patiently(ended, 'the end of a server');
  if (code !== 0) throw new Error(`a server ended with ${signal ?? `status ${code}`}`);
}

async function startReusePort() {
  const options = { host: '127.0.0.1', port: 0, reusePort: true };
  let current = startProcess({ ...options, generation: 0 });
  const { ready: port } = await current.says.until(() => true, 'the first server');
  let generation = 0;
  return {
    port,
    async replace() {
      const next = startProcess({ ...options, port, generation: ++generation });
      await next.says.until(() => true, 'the next server');
      const old = current;
      current = next;
      await finish(old.child);
    },
    end: () => finish(current.child),
  };
}

async function startHandover() {
  const first = startProcess({ host: '127.0.0.1', port: 0, generation: 0 });
  const said = await first.says.until(() => true, 'the first server');
  const port = said.ready;
  let { pid } = said;
  let generation = 0;
  return {
    port,
    async replace() {
      const old = pid;
      const wanted = ++generation;
      process.kill(old, 'SIGUSR2');
      ({ pid } = await first.says.until((line) => line.generation === wanted, 'the next server'));
      await gone(old);
    },
    async end() {
      process.kill(pid, 'SIGTERM');
      await gone(pid);
    },
  };
}

async function startActivation() {
  const keeper = spawn('perl', [LISTENER], { env: environment(), stdio: ['pipe', 'pipe', 'inherit'] });
  const says = new Sayings(keeper.stdout);
  const { listening: port } = await says.until(() => true, 'the listener');
  let generation = 0;
  let pid = 0;
  const startNext = async () => {
    const options = JSON.stringify({ fd: 3, generation });
    keeper.stdin.write(`${[process.execPath, SERVER, options].join('\t')}\n`);
    ({ pid } = await says.until((said) => said.generation === generation, 'a server on the socket'));
  };
  const stop = async () => {
    process.kill(pid, 'SIGTERM');
    await gone(pid);
  };
  await startNext();
  return {
    port,
    async replace() {
      await stop();
      generation++;
      await startNext();
    },
    async end() {
      await stop();
      keeper.stdin.end();
      await once(keeper, 'exit');
    },
  };
}
