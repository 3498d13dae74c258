// A second process of the same program, or a worker thread of it, that plays a role and obeys commands. The server and
// its clients are not to share descriptors or memory.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

const ROLE = 'role:';

/** The role that this process or thread was started in, and its settings; undefined in the one that a person started. */
export function role() {
  if (!isMainThread) return workerData;
  const [name, settings] = process.argv.slice(2);
  if (!name?.startsWith(ROLE)) return undefined;
  return { name: name.slice(ROLE.length), settings: JSON.parse(settings) };
}

/** A process or a thread that plays a role; it ends when we do. */
export class Child {
  #send;
  #end;
  #calls = new Map();
  #last = 0;
  #ended;
  pid;

  /** A process of the program at `url`; resolves when it has said that it plays. `execArgv` and `env` as `fork` has them. */
  static async start(url, name, settings = {}, options = {}) {
    const process = fork(fileURLToPath(url), [ROLE + name, JSON.stringify(settings)], options);
    const end = () => process.connected && process.disconnect();
    const child = new Child(process, (message) => process.send(message), end);
    child.pid = process.pid;
    await child.call(null);
    return child;
  }

  /** The same as a worker thread of this process. */
  static async thread(url, name, settings = {}) {
    const worker = new Worker(url, { workerData: { name, settings } });
    const child = new Child(
      worker,
      (message) => worker.postMessage(message),
      () => worker.terminate(),
    );
    await child.call(null);
    return child;
  }

  constructor(other, send, end) {
    this.#send = send;
    this.#end = end;
    other.on('message', ({ id, value, error }) => {
      const { resolve, reject } = this.#calls.get(id);
      this.#calls.delete(id);
      if (error === undefined) resolve(value);
      else reject(new Error(`the other side: ${error}`));
    });
    this.#ended = once(other, 'exit').then(([code, signal]) => {
      for (const { reject } of this.#calls.values()) reject(new Error(`the other side ended: ${code ?? signal}`));
      this.#calls.clear();
    });
  }

  /** What a command of the other side answers. */
  call(name, ...args) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      // The first message is the other side's own.
      if (name !== null) this.#send({ id, name, args });
    });
  }

  /** Lets a process end, terminates a thread; resolves when it has ended. */
  end() {
    this.#end();
    return this.#ended;
  }
}

/** On the other side: answers the commands by name until we let go. */
export function play(commands) {
  const send = (message) =>
    isMainThread ? process.connected && process.send(message) : parentPort.postMessage(message);
  (parentPort ?? process).on('message', async ({ id, name, args }) => {
    const answer = await Promise.resolve()
      .then(() => commands[name](...args))
      .then(
        (value) => ({ id, value }),
        (error) => ({ id, error: error.stack }),
      );
    send(answer);
  });
  if (isMainThread) process.once('disconnect', () => process.exit());
  send({ id: 1 });
}
