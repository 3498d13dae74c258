import type { X509Certificate } from 'node:crypto';

import { describeValue } from '../errors/escape.js';
import { MillraceError, misuse, outOfRange } from '../errors/millrace-error.js';
import type { NativeOcspQuery } from '../native/binding.js';
import { native } from '../native/loader.js';
import { accepted } from './accepted.js';

/** How an OCSP response is fetched. */
export interface FetchOcspOptions {
  readonly signal?: AbortSignal | undefined;
  /** For all responders together, in ms, from 1 to 600 000; 10 000 by default. */
  readonly timeout?: number | undefined;
}

const TIMEOUT = 10_000;
const LONGEST_TIMEOUT = 600_000;
/** What crates/tls takes at most, in bytes. */
const LARGEST = 65_536;

/**
 * Fetches the OCSP response (DER) about a certificate from the responder that stands in it (RFC 6960 §A.1): by POST,
 * over http alone, since a response is signed and a responder with https could need one itself. Redirects are not
 * followed. It is null where the certificate names no responder, as those of Let's Encrypt, which ended OCSP in 2025.
 *
 * The response is not judged here; whoever staples it does.
 */
export async function fetchOcsp(
  certificate: X509Certificate,
  issuer: X509Certificate,
  options: FetchOcspOptions = {},
): Promise<Uint8Array | null> {
  const { signal, timeout = TIMEOUT } = options;
  if (typeof timeout !== 'number' || !(timeout >= 1 && timeout <= LONGEST_TIMEOUT)) {
    const range = `a number from 1 to ${LONGEST_TIMEOUT}`;
    throw outOfRange(`fetchOcsp: option 'timeout' must be ${range}, got ${describeValue(timeout)}`);
  }
  signal?.throwIfAborted();
  const query = accepted(native.tlsOcspQuery(rawOf(certificate), rawOf(issuer))) as NativeOcspQuery;
  if (query.urls.length === 0) return null;
  const urls = query.urls.filter((url) => url.toLowerCase().startsWith('http:'));
  if (urls.length === 0) throw failed(`no responder of the certificate speaks http, got ${query.urls.join(', ')}`);
  const abort = new AbortController();
  const late = (): void => abort.abort(failed(`no response within ${timeout} ms from ${urls.join(', ')}`));
  const timer = setTimeout(late, timeout);
  const stop = (): void => abort.abort(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    let error: unknown;
    for (const url of urls) {
      try {
        return await post(url, query.request, abort.signal);
      } catch (cause) {
        // The caller's own end and the end of the time come before what they caused.
        abort.signal.throwIfAborted();
        error = cause;
      }
    }
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

async function post(url: string, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    const refuse = (why: string, cause?: unknown): void => reject(failed(`${url} ${why}`, cause));
    const headers = {
      Accept: 'application/ocsp-response',
      'Content-Type': 'application/ocsp-request',
      'Content-Length': body.length,
    };
    const call = request(url, { method: 'POST', agent: false, headers, signal }, (response) => {
      if (response.statusCode !== 200) {
        refuse(`answered with ${response.statusCode}`);
        return call.destroy();
      }
      const parts: Buffer[] = [];
      let length = 0;
      response.on('data', (part: Buffer) => {
        parts.push(part);
        length += part.length;
        if (length <= LARGEST) return;
        refuse(`sent more than ${LARGEST} bytes`);
        call.destroy();
      });
      response.on('error', (cause) => refuse('ended inside its response', cause));
      response.on('end', () => (length === 0 ? refuse('sent an empty response') : resolve(Buffer.concat(parts))));
    });
    call.on('error', (cause) => refuse(`cannot be asked: ${cause.message}`, cause));
    call.end(body);
  });
}

function rawOf(certificate: X509Certificate): Uint8Array {
  if (certificate instanceof process.getBuiltinModule('node:crypto').X509Certificate) return certificate.raw;
  const got = describeValue(certificate);
  throw misuse(
    'MILLRACE_INVALID_ARGUMENT',
    `fetchOcsp: certificates must be node:crypto's X509Certificate, got ${got}`,
  );
}

function failed(why: string, cause?: unknown): MillraceError {
  const details = cause === undefined ? {} : { cause };
  return new MillraceError('MILLRACE_TLS_OCSP_FETCH_FAILED', `an OCSP response cannot be fetched: ${why}`, details);
}
