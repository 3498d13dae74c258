// The network of test/dial/network.pl, in a namespace that this process has to itself, and a listener behind it.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../network.pl', import.meta.url));
const DEVICE = 'wire0';

export class Network {
  /** Every SYN that left, in order: `{ at, address }`, the time in ms by the kernel. */
  syns = [];
  /** What the listener has accepted: `{ from, closed, socket }`. */
  accepted = [];
  port = 0;
  #child;
  #server;
  #synced = [];

  static async open() {
    const network = new Network();
    const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
    ip('link', 'set', 'lo', 'up');
    const child = spawn('perl', [PROGRAM, DEVICE], { stdio: ['pipe', 'pipe', 'inherit'] });
    network.#child = child;
    const ready = new Promise((resolve, reject) => {
      child.once('exit', () => reject(new Error('the network has ended')));
      createInterface({ input: child.stdout }).on('line', (line) => {
        const [word, seconds, address] = line.split(' ');
        if (word === 'ready') resolve();
        else if (word === 'synced') network.#synced.shift()();
        else network.syns.push({ at: Number(seconds) * 1_000, address });
      });
    });
    await ready;
    ip('addr', 'add', '10.9.0.1/16', 'dev', DEVICE);
    ip('-6', 'addr', 'add', '2001:db8:9::1/64', 'dev', DEVICE, 'nodad');
    ip('route', 'add', 'unreachable', '10.10.0.0/16');
    await network.#listen();
    return network;
  }

  /** What becomes of packets to an address: `drop`, `pass 300`, `refuse 0`. */
  rule(address, what) {
    this.#child.stdin.write(`${address} ${what}\n`);
  }

  /** The SYNs to these addresses, in the order in which they left. */
  async sent(addresses) {
    await new Promise((resolve) => {
      this.#synced.push(resolve);
      this.#child.stdin.write('- sync\n');
    });
    return this.syns.filter(({ address }) => addresses.includes(address));
  }

  async close() {
    this.#server.close();
    for (const { socket } of this.accepted) socket.destroy();
    this.#child.stdin.end();
    await once(this.#child, 'exit');
  }

  async #listen() {
    this.#server = createServer((socket) => {
      const one = { from: socket.remoteAddress.replace('::ffff:', ''), closed: false, socket };
      this.accepted.push(one);
      socket.on('error', () => undefined);
      socket.on('end', () => (one.closed = true));
      socket.on('close', () => (one.closed = true));
      socket.resume();
    });
    this.#server.listen(0, '::');
    await once(this.#server, 'listening');
    this.port = this.#server.address().port;
  }
}
