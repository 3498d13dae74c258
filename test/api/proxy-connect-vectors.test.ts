// What a proxy may say and may not, over real connections: the same vectors that the handshake is tested with alone.
import type { ErrorCode, MillraceError, Socket } from '../../ts/index.js';
import { connect } from '../../ts/index.js';
import vectors from '../vectors/socks-malformed.json';
import type { RawClient } from '../support/raw-client.js';
import { ScriptedProxy, scriptedProxiesEndWithTheirTest } from '../support/scripted-proxy.js';
import { rest } from '../support/test-listener.js';
import { endsWithItsTest } from '../support/test-server.js';

scriptedProxiesEndWithTheirTest();
endsWithItsTest();

interface Row {
  side: string;
  kind: string;
  name: string;
  auth?: boolean;
  input?: string;
  repeat?: { before: string; text: string; times: number; after: string };
  code?: ErrorCode;
  status?: number;
  reason?: string;
  rest?: string;
}

/** Codes that a second try may mend; of everything else it would be told the same. */
const RETRYABLE = new Set<ErrorCode | undefined>([
  'MILLRACE_PROXY_CLOSED',
  'MILLRACE_SOCKS_GENERAL_FAILURE',
  'MILLRACE_SOCKS_NETWORK_UNREACHABLE',
  'MILLRACE_SOCKS_HOST_UNREACHABLE',
  'MILLRACE_SOCKS_CONNECTION_REFUSED',
  'MILLRACE_SOCKS_TTL_EXPIRED',
  'MILLRACE_SOCKS4_REJECTED',
]);

const ofClients = (rows: unknown): [string, Row][] =>
  (rows as Row[]).filter(({ side }) => side === 'client').map((row) => [row.name, row]);

/** The parts of the input, each of which answers something that the client says. */
function partsOf({ kind, auth, input, repeat }: Row): string[] {
  const text = input ?? `${repeat?.before}${repeat?.text.repeat(repeat.times)}${repeat?.after}`;
  // What follows a 407 answers the next request.
  if (kind === 'connect') return auth === true ? text.split(/(?<=.)(?=HTTP\/1\.1 )/s) : [text];
  if (!kind.startsWith('socks5')) return [text];
  const verdict = auth === true && text[1] === '\x02' ? 2 : 0;
  return [text.slice(0, 2), text.slice(2, 2 + verdict), text.slice(2 + verdict)].filter((part) => part !== '');
}

/** Plays the parts and ends, each connection going on where the one before it stood. */
function player(row: Row): (peer: RawClient) => Promise<void> {
  const parts = partsOf(row);
  return async (peer) => {
    while (parts.length > 0) {
      await peer.more();
      peer.send(parts.shift() as string);
    }
    peer.end();
  };
}

async function dialled(row: Row, proxy: ScriptedProxy): Promise<Socket> {
  const kind = row.kind === 'connect' ? 'http' : row.kind;
  return connect({ host: '192.0.2.9', port: 443, proxy: proxy.url(kind, row.auth === true ? 'alice:x' : '') });
}

test.each(ofClients(vectors.malformed))('refuses %s', async (_name, row) => {
  const proxy = await ScriptedProxy.start(player(row));
  const error = await dialled(row, proxy).then(
    () => Promise.reject(new Error('it is open')),
    (thrown: MillraceError) => thrown,
  );
  expect({ code: error.code, phase: error.phase }).toEqual({ code: row.code, phase: 'proxy' });
  expect(error.retryable).toBe(RETRYABLE.has(row.code));
  expect(error.message).toContain(`at the proxy ${proxy.url(row.kind === 'connect' ? 'http' : row.kind)}`);
  if (row.status !== undefined) expect(error.message).toContain(`${row.status} ${row.reason ?? ''}`.trimEnd());
});

test.each(ofClients(vectors.accepted))('accepts %s', async (_name, row) => {
  const proxy = await ScriptedProxy.start(player(row));
  const socket = await dialled(row, proxy);
  expect((await rest(socket)).toString('latin1')).toBe(row.rest);
  await socket.close();
});
