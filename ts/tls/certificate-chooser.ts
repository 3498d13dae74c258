import { isEnabled, logRecord } from '../log/log.js';
import { native } from '../native/loader.js';
import { accepted } from './accepted.js';
import { ChosenStaplers } from './chosen-staplers.js';
import type { Certificate } from './identity.js';
import { loadCertificate } from './identity.js';
import { checkCertificate } from './option-rules.js';
import { handOver } from './secrets.js';
import type { ClientHello } from './tls-options.js';

type Choose = (servername: string | null, hello: ClientHello) => unknown;

/** Certificates that are kept for names that ask again. */
const KEPT = 1024;

/** A certificate that was read, or is being read. */
interface Kept {
  /** Its number in the native core. */
  readonly number: Promise<number>;
  /** Handshakes that are about to be given it. */
  users: number;
  /** Whether it goes when the last of them has it. */
  isLeaving: boolean;
}

/** Numbers in the native core go with the choosers that made them. */
const forgotten = new FinalizationRegistry<Set<number>>((numbers) => {
  for (const number of numbers) native.tlsDrop(number);
});

/**
 * Answers handshakes that ask for a certificate. What the callback gave is read once for each object that it gives, so
 * one that answers with the same object again costs nothing.
 */
export class CertificateChooser {
  readonly #choose: Choose;
  readonly #kept = new Map<Certificate, Kept>();
  readonly #numbers = new Set<number>();
  readonly #staplers = new ChosenStaplers();
  #isReplaced = false;

  constructor(choose: Choose) {
    this.#choose = choose;
    forgotten.register(this, this.#numbers);
  }

  /** Answers one handshake; a callback that fails leaves it the default certificate's refusal, or certificate. */
  async answer(connection: number, text: string, ecdsa: boolean): Promise<void> {
    const [servername, ...alpn] = text.split('\0');
    let number = 0;
    let kept: Kept | undefined;
    try {
      const given = await this.#choose(servername === '' ? null : servername, { alpn, ecdsa });
      if (given !== null && given !== undefined) {
        kept = this.#keep(given as Certificate);
        number = await kept.number;
      }
    } catch (error) {
      if (isEnabled('error')) logRecord('error', 'tls', 'certificateFor failed', { err: error, servername });
    }
    native.chooseCertificate(connection, number);
    if (kept === undefined) return;
    kept.users--;
    this.#dropUnused(kept);
  }

  /** Lets all certificates go, each when the handshakes that wait for it have it, and asks for no OCSP responses. */
  close(): void {
    this.#staplers.stop();
    for (const given of [...this.#kept.keys()]) this.#leave(given);
  }

  /** The same, and keeps none any more: another one answers from now on. */
  replace(): void {
    this.#isReplaced = true;
    this.close();
  }

  /** What was read of a certificate, which then has one user more. */
  #keep(given: Certificate): Kept {
    const known = this.#kept.get(given);
    if (known !== undefined) {
      known.users++;
      return known;
    }
    const made: Kept = { number: this.#read(given), users: 1, isLeaving: this.#isReplaced };
    if (this.#isReplaced) return made;
    made.number.catch(() => {
      if (this.#kept.get(given) === made) this.#kept.delete(given);
    });
    this.#kept.set(given, made);
    if (this.#kept.size > KEPT) this.#leave(this.#kept.keys().next().value as Certificate);
    return made;
  }

  async #read(given: Certificate): Promise<number> {
    checkCertificate('certificateFor: its answer', given);
    const identity = await loadCertificate('certificateFor', given);
    const number = accepted(handOver({ identity }, () => native.tlsIdentity(identity)));
    this.#numbers.add(number);
    if (typeof given.ocspResponse !== 'function') return number;
    try {
      await this.#staplers.join(number, identity.chain, given.ocspResponse);
    } catch (error) {
      this.#drop(number);
      throw error;
    }
    return number;
  }

  #leave(given: Certificate): void {
    const kept = this.#kept.get(given);
    if (kept === undefined) return;
    this.#kept.delete(given);
    kept.isLeaving = true;
    this.#dropUnused(kept);
  }

  #dropUnused(kept: Kept): void {
    if (!kept.isLeaving || kept.users > 0) return;
    kept.number.then(
      (number) => this.#drop(number),
      // It was never made.
      () => undefined,
    );
  }

  #drop(number: number): void {
    this.#numbers.delete(number);
    this.#staplers.leave(number);
    native.tlsDrop(number);
  }
}
