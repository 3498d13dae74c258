// A large stream through a relay, with its checksum, while the relay's process stays flat and its descriptors come back.
//
// --way up, down or both; --tls none, near, far or both; --mib its size each way.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as tls from 'node:tls';
import { checksum, checksumOf, chunksOf } from './lib/content.mjs';
import { Child, play, role } from './lib/child.mjs';
import { MIB, descriptors, mib, resident, skip, until } from './lib/facts.mjs';

/** By how much the relay may grow past its warm-up: pipes, buffers and what V8 keeps. */
const FLAT = 16 * MIB;
const WARM_UP = 64 * MIB;

async function playRelay({ behind, near, far, cert, key }) {
  const { connect, listen, setLevel } = await import('../../../dist/index.mjs');
  // That nobody is checked here is on purpose.
  setLevel('error');
  const counts = [];
  const listener = await listen(
    { host: '127.0.0.1', port: 0, ...(near ? { tls: { cert, key } } : {}) },
    async (socket) => {
      const options = far ? { tls: { rejectUnauthorized: false, servername: 'localhost' } } : {};
      const there = await connect({ host: '127.0.0.1', port: behind, ...options });
      counts.push(await socket.pipeTo(there));
    },
  );
  play({ port: () => listener.port, counts: () => counts, close: () => listener.close({ timeout: 5_000 }) });
}

/** Sends a stream of so many bytes; resolves when it has ended. */
async function send(socket, bytes) {
  for (const chunk of chunksOf(bytes)) if (!socket.write(chunk)) await once(socket, 'drain');
  socket.end();
}

/** Reads to the end: how many bytes, and their checksum. (Iterating would destroy the socket at the end of one way.) */
async function receive(socket) {
  const hash = checksum();
  let bytes = 0;
  socket.on('data', (chunk) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  await once(socket, 'end');
  return { bytes, hash: hash.digest('hex') };
}

/** A key and a certificate of its own, by openssl. */
function certificate() {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-relay-'));
  try {
    const files = ['-keyout', join(folder, 'key'), '-out', join(folder, 'cert')];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    execFileSync('openssl', ['req', '-x509', ...kind, ...names, ...files], { stdio: 'ignore' });
    return { key: readFileSync(join(folder, 'key'), 'utf8'), cert: readFileSync(join(folder, 'cert'), 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      way: { type: 'string', default: 'both' },
      tls: { type: 'string', default: 'none' },
      mib: { type: 'string', default: '1024' },
    },
  });
  const secures = (side) => values.tls === side || values.tls === 'both';
  const own = values.tls === 'none' ? {} : certificate();
  let size;
  const results = [];
  const serve = async (socket) => {
    const sending = values.way === 'up' ? socket.end() : send(socket, size);
    results.push((await Promise.all([receive(socket), sending]))[0]);
  };
  const options = { allowHalfOpen: true };
  const back = secures('far') ? tls.createServer({ ...own, ...options }, serve) : net.createServer(options, serve);
  back.listen(0, '127.0.0.1');
  await once(back, 'listening');
  const settings = { behind: back.address().port, near: secures('near'), far: secures('far'), ...own };
  const relay = await Child.start(import.meta.url, 'relay', settings);
  const port = await relay.call('port');
  const open = () =>
    secures('near')
      ? tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, allowHalfOpen: true })
      : net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const transfer = async (bytes) => {
    size = bytes;
    const socket = open();
    const sending = values.way === 'down' ? socket.end() : send(socket, bytes);
    const [got] = await Promise.all([receive(socket), sending]);
    await until(() => results.length > 0);
    const there = results.shift();
    const [up, down] = [values.way === 'down' ? 0 : bytes, values.way === 'up' ? 0 : bytes];
    assert.deepEqual([there.bytes, got.bytes], [up, down]);
    if (up > 0) assert.equal(there.hash, checksumOf(up));
    if (down > 0) assert.equal(got.hash, checksumOf(down));
    let counts = [];
    await until(async () => (counts = await relay.call('counts')).length > done);
    assert.deepEqual(counts[done], { sent: up, received: down });
    done += 1;
  };
  let done = 0;
  await transfer(WARM_UP);
  const before = { memory: resident(relay.pid), descriptors: descriptors(relay.pid) };
  let most = before.memory;
  const watch = setInterval(() => (most = Math.max(most, resident(relay.pid))), 20);
  const bytes = Number(values.mib) * MIB;
  await transfer(bytes);
  clearInterval(watch);
  // An idle pipe of the pool, at most for each way, may stay.
  assert.ok(descriptors(relay.pid) <= before.descriptors + 4, 'descriptors were left');
  const grown = most - before.memory;
  assert.ok(grown <= FLAT, `the relay grew by ${mib(grown)}`);
  console.log(`${mib(bytes)} ${values.way}, TLS ${values.tls}: whole, ${mib(grown)} more than in its warm-up`);
  await relay.call('close');
  relay.end();
  back.close();
}

const played = role();
if (played === undefined) {
  const reason = process.platform === 'linux' ? undefined : 'it reads /proc';
  if (reason === undefined) await main();
  else skip(reason);
} else await playRelay(played.settings);
