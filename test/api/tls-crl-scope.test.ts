import { Authority } from '../support/pki.js';
import { RawClient } from '../support/raw-client.js';
import { endsWithItsTest, get, start } from '../support/test-server.js';
import { open, refusal } from '../support/tls.js';

endsWithItsTest();

test('with crlEndEntityOnly a client needs no CRL of the authorities above, and sees what is revoked all the same', async () => {
  const root = await Authority.root();
  const below = await root.intermediate();
  const leaf = await below.issue();
  const server = await start({ tls: { cert: leaf.cert, key: leaf.key }, handler: (_req, res) => res.end() });
  const crl = Buffer.from(await below.crl());
  expect((await refusal(server, { ca: root.cert, crl })).code).toBe('MILLRACE_TLS_REVOCATION_UNKNOWN');
  const socket = await open(server, { ca: root.cert, crl, crlEndEntityOnly: true });
  expect(socket.tls?.authorizationError).toBeNull();
  socket.destroy();
  const revoked = Buffer.from(await below.crl([leaf]));
  const error = await refusal(server, { ca: root.cert, crl: revoked, crlEndEntityOnly: true });
  expect(error.code).toBe('MILLRACE_TLS_CERTIFICATE_REVOKED');
});

test('with crlEndEntityOnly a server needs no CRL of the authorities above its clients', async () => {
  const root = await Authority.root();
  const below = await root.intermediate();
  const [leaf, client] = [await root.issue(), await below.issue({ names: ['alice'], purpose: 'client' })];
  const crl = Buffer.from(await below.crl());
  const errorFor = async (crlEndEntityOnly: boolean): Promise<string> => {
    const server = await start({
      tls: {
        cert: leaf.cert,
        key: leaf.key,
        ca: root.cert,
        requestCert: true,
        rejectUnauthorized: false,
        crl,
        crlEndEntityOnly,
      },
      handler: (req, res) => res.end(req.tls?.authorizationError?.code ?? 'fine'),
    });
    const raw = await RawClient.secure(server, { ca: root.cert, cert: client.cert, key: client.key });
    return (await raw.send(get()).response()).body.toString();
  };
  expect(await errorFor(false)).toBe('MILLRACE_TLS_REVOCATION_UNKNOWN');
  expect(await errorFor(true)).toBe('fine');
});
