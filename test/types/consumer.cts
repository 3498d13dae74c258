// A CommonJS project that uses what dist/ declares. It is compiled, never run.
import millrace = require('millrace');
import { serve } from 'millrace';

async function main(): Promise<void> {
  const server: millrace.Server = await serve({ port: 0, handler: (_req, res) => res.end('hello') });
  const address: string = server.url;
  await server.close({ timeout: address.length });
}

void main();
