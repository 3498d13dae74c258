// Ends of the process. Argument: which one. The test knows which code and which words must come.
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { serve } from '../../../dist/index.mjs';
import { Flood, once } from './lib/client.mjs';

const [mode] = process.argv.slice(2);
const listen = (handler, more = {}) => serve({ port: 0, host: '127.0.0.1', handler, ...more });
/** Answers now, later, and never whole. */
function variously(_req, res) {
  const chance = Math.random();
  if (chance < 0.4) res.end('now');
  else if (chance < 0.8) setImmediate(() => res.end('later'));
  else (res.write('x'.repeat(100_000)), setTimeout(() => res.end(), 1));
}

const MODES = {
  async 'under-load'() {
    const { port } = await listen(variously);
    await new Flood(port).reach(50);
    process.exit(7);
  },
  async 'in-handler'() {
    let count = 0;
    const { port } = await listen((_req, res) => {
      res.end();
      if (++count === 50) process.exit(7);
    });
    new Flood(port);
  },
  async 'in-listener'() {
    const { port } = await listen((_req, res) => {
      res.on('finish', () => process.exit(7));
      res.end();
    });
    new Flood(port);
  },
  async 'in-exit-listener'() {
    // The core is used while the environment already ends.
    const kept = [];
    const server = await listen((_req, res) => kept.push(res));
    process.on('exit', () => {
      for (const res of kept) res.end('too late'.repeat(5000));
      server.stats();
      server.destroy();
    });
    const flood = new Flood(server.port, { connections: 4, depth: 1 });
    setTimeout(() => process.exit(7), 50);
    void flood;
  },
  async 'worker-under-load'() {
    const worker = new Worker(new URL(import.meta.url), { argv: ['in-handler-of-worker'] });
    const port = await new Promise((resolve) => worker.once('message', resolve));
    const flood = new Flood(port);
    const code = await new Promise((resolve) => worker.once('exit', resolve));
    flood.stop();
    if (code !== 7) throw new Error(`the worker ended with ${code}`);
    // The main thread goes on as if nothing had been.
    const server = await listen((_req, res) => res.end('alive'));
    console.log((await once(server.port)).body);
    await server.close();
  },
  async 'in-handler-of-worker'() {
    let count = 0;
    const { port } = await listen((req, res) => {
      variously(req, res);
      if (++count === 50) process.exit(7);
    });
    if (!isMainThread) parentPort.postMessage(port);
  },
  async 'main-with-workers'() {
    const ports = [];
    for (let place = 0; place < 3; place++) {
      const worker = new Worker(new URL(import.meta.url), { argv: ['worker'] });
      ports.push(await new Promise((resolve) => worker.once('message', resolve)));
    }
    await Promise.all(ports.map((port) => new Flood(port).reach(20)));
    process.exit(7);
  },
  async worker() {
    parentPort.postMessage((await listen(variously)).port);
  },
  async closed() {
    const server = await listen((_req, res) => res.end('ok'));
    await once(server.port);
    await server.close();
    // Pipes are the program's own stdout.
    process.on('exit', () => {
      const left = process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap');
      console.log(left.join() || 'nothing left');
    });
  },
  async destroyed() {
    const server = await listen((_req, _res) => {});
    void once(server.port);
    setTimeout(() => server.destroy(), 20);
    server.on('close', () => console.log('closed'));
  },
  async unref() {
    const server = await listen((_req, res) => res.end('ok'));
    console.log((await once(server.port)).body);
    server.unref();
  },
  async 'ref-again'() {
    const server = await listen((_req, res) => res.end('ok'));
    server.unref().unref().ref().ref();
    // Nothing else holds the process: the timer does not.
    setTimeout(() => {
      console.log('held');
      void server.close();
    }, 100).unref();
  },
  async holds() {
    const server = await listen((_req, res) => res.end('ok'));
    setTimeout(() => {
      console.log('held');
      server.destroy();
    }, 100).unref();
  },
  async imported() {},
};

await MODES[mode]();
