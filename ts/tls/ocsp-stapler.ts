import type { X509Certificate } from 'node:crypto';

import { describeValue } from '../errors/escape.js';
import { MillraceError, misuse } from '../errors/millrace-error.js';
import { isEnabled, logRecord } from '../log/log.js';
import type { NativeStaple } from '../native/binding.js';
import type { IssuedBy } from './issuer.js';
import { nameOf } from './issuer.js';

/** Gets an OCSP response (DER) about a certificate; null when there is none to be had. */
export type OcspSource = (
  certificate: X509Certificate,
  issuer: X509Certificate,
) => Uint8Array | null | Promise<Uint8Array | null>;

/** How long the start of a context waits for first answers, in ms: a responder that is down keeps no server down. */
const FIRST_WAIT = 2_000;
/** After so long without an answer a source has failed, in ms. */
const ANSWER_LIMIT = 60_000;
/** After a failure: at first, twice as long each time, and at last, in ms. */
const RETRY_FIRST = 10_000;
const RETRY_LAST = 3_600_000;
/** The clock is looked at again after so long at most, in ms: it may have been set, and the machine asleep. */
const LONGEST_SLEEP = 3_600_000;
/** A response that ends sooner is not carried over, in ms. */
const CARRIED = 5_000;

/** A certificate whose responses are asked for, and what takes the good ones. */
export interface Stapled extends IssuedBy {
  readonly chain: Uint8Array;
  readonly source: OcspSource;
  /** Checks a response and staples it; throws when it is not good. */
  staple(response: Uint8Array): NativeStaple;
}

/** A response that is good until a time, in ms. */
export interface GoodResponse {
  readonly response: Uint8Array;
  readonly until: number;
}

interface Staple extends Stapled {
  /** The last good response. */
  good: GoodResponse | undefined;
  failures: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Asks a source for the OCSP responses of a server's certificates, staples those that are good, and asks again in the
 * middle of their time. After a failure the last good one stays until it ends, and the source is asked again, ever
 * more seldom.
 */
export class OcspStapler {
  readonly #isWanted: () => boolean;
  readonly #staples: Staple[];
  #stopped = false;

  /** `before`: who did it until now; `isWanted`: whether who staples is still there, and must not be held. */
  constructor(certificates: readonly Stapled[], before: OcspStapler | undefined, isWanted: () => boolean) {
    this.#isWanted = isWanted;
    this.#staples = certificates.map((stapled) => ({
      ...stapled,
      good: before?.goodFor(stapled.chain),
      failures: 0,
      timer: undefined,
    }));
  }

  /** Asks for all, and waits for the answers a little; what comes later is stapled when it comes. */
  async start(): Promise<void> {
    const all = Promise.all(this.#staples.map((staple) => this.#ask(staple)));
    await within(FIRST_WAIT, all, true).catch(() => undefined);
  }

  /** The response that still is good for a chain. */
  goodFor(chain: Uint8Array): GoodResponse | undefined {
    const same = this.#staples.find((staple) => Buffer.compare(staple.chain, chain) === 0);
    return same?.good !== undefined && same.good.until >= Date.now() + CARRIED ? same.good : undefined;
  }

  stop(): void {
    this.#stopped = true;
    for (const { timer } of this.#staples) clearTimeout(timer);
  }

  async #ask(staple: Staple): Promise<void> {
    let wait: number;
    try {
      const { certificate, issuer, source } = staple;
      const answer = (async () => source(certificate, issuer))();
      const response = await within(ANSWER_LIMIT, answer, false);
      if (this.#stopped) return;
      wait = response === null ? this.#nothing(staple) : this.#staple(staple, response);
    } catch (error) {
      if (this.#stopped) return;
      const facts = { err: error, certificate: nameOf(staple.certificate), until: untilOf(staple) };
      if (isEnabled('warn')) logRecord('warn', 'tls', 'no good OCSP response to staple', facts);
      wait = retryAfter(staple);
    }
    this.#sleep(staple, Date.now() + wait);
  }

  #staple(staple: Staple, given: Uint8Array): number {
    if (!(given instanceof Uint8Array)) {
      const message = `option 'ocspResponse' must answer with a Uint8Array or null, got ${describeValue(given)}`;
      throw misuse('MILLRACE_INVALID_ARGUMENT', message);
    }
    // A copy: what the source does with its bytes later is its own affair.
    const response = Uint8Array.from(given);
    const { nextUpdate, refreshAt } = staple.staple(response);
    const until = nextUpdate * 1000;
    staple.good = { response, until };
    staple.failures = 0;
    if (isEnabled('debug')) {
      const facts = { certificate: nameOf(staple.certificate), until: untilOf(staple) };
      logRecord('debug', 'tls', 'an OCSP response is stapled', facts);
    }
    const now = Date.now();
    // One that came late in its time is asked for again before it ends as well.
    return Math.max(refreshAt * 1000 - now, Math.min((until - now) / 2, RETRY_LAST), 1000);
  }

  #nothing(staple: Staple): number {
    const facts = { certificate: nameOf(staple.certificate), until: untilOf(staple) };
    if (isEnabled('info')) logRecord('info', 'tls', 'there is no OCSP response to staple', facts);
    return retryAfter(staple);
  }

  #sleep(staple: Staple, until: number): void {
    const wake = (): void => {
      if (!this.#isWanted()) this.stop();
      else if (Date.now() < until) this.#sleep(staple, until);
      else void this.#ask(staple);
    };
    staple.timer = setTimeout(wake, Math.min(until - Date.now(), LONGEST_SLEEP)).unref();
  }
}

function retryAfter(staple: Staple): number {
  const wait = Math.min(RETRY_FIRST * 2 ** Math.min(staple.failures, 20), RETRY_LAST);
  staple.failures++;
  const left = staple.good === undefined ? 0 : staple.good.until - Date.now();
  return left <= 0 ? wait : Math.min(wait, Math.max(left / 2, RETRY_FIRST));
}

function untilOf({ good }: Staple): string | null {
  return good === undefined ? null : new Date(good.until).toISOString();
}

/** The promise's value, or an error after so many ms; `holds`: whether the wait holds the process. */
async function within<T>(ms: number, promise: Promise<T>, holds: boolean): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `no answer about OCSP within ${ms} ms`;
    timer = setTimeout(() => reject(new MillraceError('MILLRACE_TLS_OCSP_FETCH_FAILED', message)), ms);
    if (!holds) timer.unref();
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
