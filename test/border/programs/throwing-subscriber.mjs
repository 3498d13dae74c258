// A subscriber that throws: Node.js reports it by itself, and the request goes on.
import { subscribe } from 'node:diagnostics_channel';
import { serve } from '../../../dist/index.mjs';

const uncaught = [];
process.on('uncaughtException', (error) => uncaught.push(error.message));
for (const name of ['start', 'finish']) {
  subscribe(`millrace:server:request:${name}`, () => {
    throw new Error(name);
  });
}
const server = await serve({ port: 0, host: '127.0.0.1', handler: (req, res) => res.end('fine') });
const text = await (await fetch(server.url)).text();
await server.close();
console.log(JSON.stringify({ text, uncaught }));
