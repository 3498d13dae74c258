// The clients that are compared, each as a function that makes one request and reads its answer to the end.
import { createRequire } from 'node:module';
import { millrace } from '../millrace.mjs';

const require = createRequire(new URL('../package.json', import.meta.url));

/** Names and titles, in the order of the tables. */
export const CLIENTS = [
  ['undici-request', 'undici request'],
  ['undici-stream', 'undici stream'],
  ['undici-dispatch', 'undici dispatch'],
  ['http-agent', 'node:http, Agent with keepAlive'],
  ['node-fetch', "Node's fetch"],
  ['got', 'got'],
  ['ours-request', 'millrace request'],
  ['ours-dispatch', 'millrace dispatch'],
  ['ours-fetch', 'millrace fetch'],
];

const MAKERS = {
  'undici-request': (options) => {
    const { request } = require('undici');
    const given = { dispatcher: agent(options), blocking: options.pipelining === 1 };
    return async (url) => (await (await request(url, given)).body.bytes()).byteLength;
  },
  'undici-stream': (options) => {
    const { stream } = require('undici');
    const { Writable } = require('node:stream');
    const dispatcher = agent(options);
    return async (url) => {
      let bytes = 0;
      const write = (chunk, _encoding, done) => {
        bytes += chunk.length;
        done();
      };
      await stream(url, { dispatcher, method: 'GET' }, () => new Writable({ write }));
      return bytes;
    };
  },
  'undici-dispatch': (options) => {
    const dispatcher = agent(options);
    const blocking = options.pipelining === 1;
    return (url) => {
      const { origin, pathname } = new URL(url);
      return new Promise((resolve, reject) => {
        let bytes = 0;
        dispatcher.dispatch(
          { origin, path: pathname, method: 'GET', blocking },
          {
            onConnect: () => undefined,
            onHeaders: () => true,
            onData: (chunk) => ((bytes += chunk.length), true),
            onComplete: () => resolve(bytes),
            onError: reject,
          },
        );
      });
    };
  },
  'http-agent': ({ connections, secure }) => {
    const http = require(secure ? 'node:https' : 'node:http');
    const own = new http.Agent({ keepAlive: true, maxSockets: connections, rejectUnauthorized: false });
    return (url) =>
      new Promise((resolve, reject) => {
        const request = http.get(url, { agent: own }, (response) => {
          let bytes = 0;
          response.on('data', (chunk) => (bytes += chunk.length));
          response.on('end', () => resolve(bytes));
          response.on('error', reject);
        });
        request.on('error', reject);
      });
  },
  'node-fetch': () => async (url) => (await (await fetch(url)).arrayBuffer()).byteLength,
  got: async ({ connections, secure }) => {
    const { default: got } = await import(require.resolve('got'));
    const http = require(secure ? 'node:https' : 'node:http');
    const own = new http.Agent({ keepAlive: true, maxSockets: connections, rejectUnauthorized: false });
    const instance = got.extend({
      agent: { http: own, https: own },
      retry: { limit: 0 },
      https: { rejectUnauthorized: false },
    });
    return async (url) => (await instance(url).buffer()).byteLength;
  },
  'ours-request': (options) => {
    const client = ours(options);
    return async (url) => (await (await client.request(url)).bytes()).byteLength;
  },
  'ours-dispatch': (options) => {
    const client = ours(options);
    return (url) =>
      new Promise((resolve, reject) => {
        let bytes = 0;
        client.dispatch(
          { url },
          {
            onResponse: () => undefined,
            onData: (chunk) => void (bytes += chunk.length),
            onEnd: () => resolve(bytes),
            onError: reject,
          },
        );
      });
  },
  'ours-fetch': (options) => {
    const client = ours(options);
    return async (url) => (await (await client.fetch(url)).arrayBuffer()).byteLength;
  },
};

function agent({ connections, pipelining }) {
  const { Agent } = require('undici');
  return new Agent({ connections, pipelining, connect: { rejectUnauthorized: false } });
}

function ours({ connections, pipelining }) {
  const { Client } = millrace();
  const pool = { maxConnectionsPerOrigin: connections };
  return new Client({ pool, pipelining, tls: { rejectUnauthorized: false } });
}

/** Makes a client: `(url) => Promise<bytes of the body>`. */
export const makeClient = (name, options) => MAKERS[name](options);
