// A project of ES modules that uses what dist/ declares. It is compiled, never run.
import { lookup } from 'node:dns';
import { Agent } from 'node:http';
import { connect, MillraceError, isRetryable, metrics, Resolver, serve, setLogger, version } from 'millrace';
import { HttpAgent, HttpsAgent } from 'millrace/agent';
import type { ErrorCode, ServeOptions, Server, ServerRequest, ServerResponse } from 'millrace';

const options: ServeOptions = {
  port: 0,
  handler(req: ServerRequest, res: ServerResponse) {
    const host: string | undefined = req.headers.get('host');
    res.setHeader('content-type', 'text/plain').end(`${req.method} ${req.path} ${host ?? ''}`);
  },
};
const server: Server = await serve(options);
const port: number = server.port;
const web = await serve({ port: 0, fetch: (request: Request) => new Response(request.url) });
await web.close({ timeout: 1000 });

// @ts-expect-error: one of handler and fetch is needed
await serve({ port: 0 });
// @ts-expect-error: and not both
await serve({ port: 0, handler() {}, fetch: () => new Response() });
// @ts-expect-error: a port is a number
await serve({ port: '80', handler() {} });

const resolver = new Resolver({ servers: ['127.0.0.1'] });
new Agent({ lookup: resolver.lookup });
await connect({ port: 1, resolver });
await connect({ port: 1, resolver: lookup });

try {
  await server.close();
} catch (error) {
  if (error instanceof MillraceError) {
    const code: ErrorCode = error.code;
    setLogger((record) => void record);
    throw new Error(`${code} ${error.kind} ${isRetryable(error)} ${version()} ${port} ${typeof metrics.snapshot()}`);
  }
}

const agent: import('node:http').Agent = new HttpAgent({ proxy: 'env', keepAlive: true, timeouts: { proxy: 1_000 } });
const secure: import('node:https').Agent = new HttpsAgent({ proxy: [{ url: 'https://a' }], ca: 'ca.pem' });
// @ts-expect-error: a proxy is no number
new HttpAgent({ proxy: 1080 });
void [agent, secure];
