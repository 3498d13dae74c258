import { connect } from 'node:net';

import { runOverTls } from '../support/over-tls.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, start } from '../support/test-server.js';

// What is left out: who is refused as a connection is cut before a handshake, and gets no 503 or 403 (tls-server has
// that), and a head of the PROXY protocol comes before TLS (below).
runOverTls({
  'server-access-log': [],
  'server-compression': [],
  'server-context': [],
  'server-diagnostics': [],
  'server-errors': [],
  'server-exchange': [],
  'server-gate': [
    'one connection of a client past maxConnectionsPerIp gets 503, is counted, and one that leaves makes room',
    'an address on the deny list gets 403, until a reload lets it in',
    'IPv6 clients are keyed by /64: one network shares its cap and its rate, the next one has its own',
  ],
  'server-handler-timeout': [],
  'server-keep-alive': [],
  'server-limits': ['maxConnections: the one too many gets 503 and is counted as refused'],
  'server-limits-counted': [
    'maxConnections, deny and rateLimits are counted as limits as well',
    'a connection too many gets 503 with Connection: close, and then the end',
  ],
  'server-malformed': [],
  'server-memory': ['past setMaxMemory a request gets 503, the largest exchange is cut, and the server recovers'],
  'server-middleware': [],
  'server-pipelining': [],
  'server-request': [],
  'server-response': [],
  'server-response-again': [],
  'server-response-buffers': [],
  'server-response-send': [],
  'server-static-conditions': [],
  'server-static-options': [],
  'server-static-paths': [],
  'server-static-ranges': [],
  'server-static-variants': [],
  'server-tunnels': [],
  'server-validate': [],
  'server-web': [],
});

describe('the PROXY protocol', () => {
  endsWithItsTest();

  test('says who the client is before its handshake begins', async () => {
    const server = await start({
      proxyProtocol: 'required',
      handler: (req, res) => res.end(`${req.remoteAddress} ${req.tls?.version}`),
    });
    const below = connect({ host: '127.0.0.1', port: server.port });
    below.write('PROXY TCP4 192.0.2.7 192.0.2.1 1234 443\r\n');
    const client = await RawClient.over(below);
    expect((await client.send(get()).response()).body.toString()).toBe('192.0.2.7 TLSv1.3');
  });
});
