// Errors that handlers and listeners throw. Argument: which.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { metrics, serve, setLogger } from '../../../dist/index.mjs';
import { once, pipelined } from './lib/client.mjs';
import { until } from './lib/process.mjs';

const [mode] = process.argv.slice(2);
setLogger(null);
const listen = (handler, more = {}) => serve({ port: 0, host: '127.0.0.1', handler, ...more });
const times = (count, of) => Array.from({ length: count }, (_, place) => of(place));

const MODES = {
  /** Every third request of many batches fails, synchronously or as a rejection. */
  async handlers() {
    const server = await listen((req, res) => {
      if (req.path === '/throw') throw new Error('thrown');
      if (req.path === '/reject') return Promise.reject(new Error('rejected'));
      if (req.path === '/late') return new Promise((_, reject) => setImmediate(reject, new Error('late')));
      if (req.path === '/nothing') throw undefined;
      res.end('fine');
    });
    const kinds = ['/', '/throw', '/', '/reject', '/', '/late', '/', '/nothing'];
    const paths = times(400, (place) => kinds[place % kinds.length]);
    const all = await Promise.all(times(8, () => pipelined(server.port, paths)));
    for (const answers of all) {
      assert.equal(answers.length, paths.length);
      answers.forEach(({ status }, place) => assert.equal(status, paths[place] === '/' ? 200 : 500));
    }
    const key = 'millrace_http_server_handler_errors_total';
    assert.equal(metrics.snapshot().counters[key], 8 * 200);
    assert.equal((await once(server.port)).body, 'fine');
    await server.close();
  },
  /** What an onError hook throws does not reach the process either. */
  async 'error-hook'() {
    const server = await listen(
      () => {
        throw new Error('first');
      },
      {
        onError() {
          throw new Error('second');
        },
      },
    );
    assert.equal((await once(server.port)).status, 500);
    await server.close();
  },
  /** Listeners' errors come to 'uncaughtException', each once; the rest of the batch is served. */
  async listeners() {
    const seen = [];
    process.on('uncaughtException', (error) => seen.push(error.message));
    let number = 0;
    const server = await listen((req, res) => {
      const own = number++;
      if (req.path === '/throw') {
        res.on('finish', () => {
          throw new Error(`finish ${own}`);
        });
      }
      res.end('fine');
    });
    const paths = times(64, (place) => (place % 4 === 0 ? '/throw' : '/'));
    const answers = await pipelined(server.port, paths);
    assert.equal(answers.length, 64);
    assert.ok(answers.every(({ status }) => status === 200));
    await until(
      () => seen.length >= 16,
      () => `${seen.length} seen`,
    );
    assert.deepEqual([...seen].sort(), times(16, (place) => `finish ${place * 4}`).sort());
    assert.equal((await once(server.port)).status, 200);
    assert.equal(seen.length, 16);
    await server.close();
  },
  async drain() {
    const seen = [];
    process.on('uncaughtException', (error) => seen.push(error.message));
    const server = await listen((_req, res) => {
      res.setHeader('content-length', 8 * 1024 * 1024);
      res.once('drain', () => {
        res.end(Buffer.alloc(4 * 1024 * 1024));
        throw new Error('drain');
      });
      res.write(Buffer.alloc(4 * 1024 * 1024));
    });
    const answer = await once(server.port);
    assert.equal(answer.body.length, 8 * 1024 * 1024);
    assert.deepEqual(seen, ['drain']);
    await server.close();
  },
  async socket() {
    const seen = [];
    process.on('uncaughtException', (error) => seen.push(error.message));
    const server = await listen((_req, res) => res.end('fine'), {
      onUpgrade(_req, socket) {
        socket.on('end', () => {
          void socket.end('bye');
          throw new Error('end');
        });
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: t\r\n\r\n');
        void (async () => {
          for await (const chunk of socket) socket.write(chunk);
        })();
      },
    });
    let text = '';
    const client = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    client.on('data', (bytes) => {
      text += bytes;
      if (text.endsWith('\r\n\r\n')) client.write('ping');
      if (text.endsWith('ping')) client.end();
    });
    client.write('GET / HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: t\r\n\r\n');
    await new Promise((resolve) => client.on('close', resolve));
    assert.match(text, /pingbye$/);
    assert.deepEqual(seen, ['end']);
    assert.equal((await once(server.port)).body, 'fine');
    await server.close();
  },
  /** Without a listener for it the process ends, but what the batch answered has left. */
  async fatal() {
    const server = await listen((req, res) => {
      if (req.path === '/throw') {
        res.on('finish', () => {
          throw new Error('nobody listens');
        });
      }
      res.end(req.path);
    });
    // The client is another process, which survives this one.
    const { spawn } = await import('node:child_process');
    const program = `
      const socket = require('net').connect(${server.port}, '127.0.0.1');
      const line = (path) => 'GET ' + path + ' HTTP/1.1\\r\\nHost: t\\r\\n\\r\\n';
      let text = '';
      socket.on('data', (bytes) => (text += bytes));
      socket.on('error', () => {});
      socket.on('close', () => console.log(text.split('200 OK').length - 1 + ' answers'));
      socket.write(line('/a') + line('/throw') + line('/b'));`;
    const client = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'inherit', 'inherit'] });
    client.unref();
  },
};

await MODES[mode]();
