import { X509Certificate } from 'node:crypto';
import type { RequestListener, ServerResponse } from 'node:http';

import { fetchOcsp } from '../../ts/index.js';
import { leaf, root } from '../support/chain.js';
import { closeResponders, responder } from '../support/ocsp-responder.js';
import type { Issued } from '../support/pki.js';
import { Authority } from '../support/pki.js';

const GARBAGE = Buffer.from('no response at all');

afterEach(closeResponders);

const x509 = (issued: Issued): X509Certificate => new X509Certificate(issued.own);

const fetched = async (
  listener: RequestListener,
  options?: { timeout?: number; signal?: AbortSignal },
): Promise<unknown> => {
  const issued = await root.issue({ responders: [await responder(listener)] });
  return fetchOcsp(x509(issued), new X509Certificate(root.cert), options).catch((error: unknown) => error);
};
const failure = (words: string): unknown =>
  expect.objectContaining({
    code: 'MILLRACE_TLS_OCSP_FETCH_FAILED',
    retryable: true,
    message: expect.stringContaining(words) as string,
  });

test('gives the bytes of the response as they are', async () => {
  expect(await fetched((_req, res) => res.end(GARBAGE))).toEqual(GARBAGE);
});

test('does not take an error, follow a redirect, or take an empty response', async () => {
  let followed = 0;
  const target = await responder((_req, res) => {
    followed++;
    res.end();
  });
  const answers: [(res: ServerResponse) => unknown, string][] = [
    [(res) => res.writeHead(503).end(), 'answered with 503'],
    [(res) => res.writeHead(302, { Location: target }).end(), 'answered with 302'],
    [(res) => res.end(), 'sent an empty response'],
    [(res) => res.writeHead(200, { 'Content-Length': 100 }).write('half', () => res.destroy()), 'ended inside'],
  ];
  for (const [answer, words] of answers) expect(await fetched((_req, res) => void answer(res))).toEqual(failure(words));
  expect(followed).toBe(0);
});

test('takes 64 KiB, and no byte more', async () => {
  expect(await fetched((_req, res) => res.end(Buffer.alloc(65_536)))).toHaveLength(65_536);
  expect(await fetched((_req, res) => res.end(Buffer.alloc(65_537)))).toEqual(failure('more than 65536 bytes'));
});

test('ends in its time, and with its signal', async () => {
  expect(await fetched(() => undefined, { timeout: 50 })).toEqual(failure('within 50 ms'));
  const abort = new AbortController();
  const reason = new Error('no longer wanted');
  expect(await fetched(() => abort.abort(reason), { signal: abort.signal })).toBe(reason);
  expect(await fetched(() => undefined, { signal: abort.signal })).toBe(reason);
});

test('asks the next responder when the first is not there', async () => {
  const gone = await responder(() => undefined);
  await closeResponders();
  const issued = await root.issue({ responders: [gone, await responder((_req, res) => res.end('second'))] });
  const response = await fetchOcsp(x509(issued), new X509Certificate(root.cert));
  expect(Buffer.from(response ?? []).toString()).toBe('second');
});

test('is null for a certificate without a responder, and fails for one that has only https', async () => {
  const issuer = new X509Certificate(root.cert);
  expect(await fetchOcsp(x509(leaf), issuer)).toBeNull();
  const secure = await root.issue({ responders: ['https://127.0.0.1/ocsp'] });
  await expect(fetchOcsp(x509(secure), issuer)).rejects.toEqual(failure('no responder of the certificate speaks http'));
});

test('refuses what is no certificate, another issuer, and a timeout out of range', async () => {
  const issuer = new X509Certificate(root.cert);
  const stranger = new X509Certificate((await Authority.root('Stranger')).cert);
  await expect(fetchOcsp(leaf.own as never, issuer)).rejects.toMatchObject({ code: 'MILLRACE_INVALID_ARGUMENT' });
  await expect(fetchOcsp(x509(leaf), stranger)).rejects.toMatchObject({ code: 'MILLRACE_TLS_INVALID_CONFIGURATION' });
  await expect(fetchOcsp(x509(leaf), issuer, { timeout: 0 })).rejects.toThrow('from 1 to 600000');
});
