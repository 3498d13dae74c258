import { isEnabled, logRecord } from '../log/log.js';
import { native } from '../native/loader.js';
import { accepted } from './accepted.js';
import type { Certificate } from './identity.js';
import { loadCertificate } from './identity.js';
import type { ClientHello } from './tls-options.js';

type Choose = (servername: string | null, hello: ClientHello) => unknown;

/** Certificates that are kept for names that ask again. */
const KEPT = 1024;

/**
 * Answers handshakes that ask for a certificate. What the callback gave is read once for each object that it gives, so
 * one that answers with the same object again costs nothing.
 */
export class CertificateChooser {
  readonly #choose: Choose;
  readonly #numbers = new Map<Certificate, Promise<number>>();

  constructor(choose: Choose) {
    this.#choose = choose;
  }

  /** Answers one handshake; a callback that fails leaves it the default certificate's refusal, or certificate. */
  async answer(connection: number, text: string, ecdsa: boolean): Promise<void> {
    const [servername, ...alpn] = text.split('\0');
    let number = 0;
    try {
      const given = await this.#choose(servername === '' ? null : servername, { alpn, ecdsa });
      if (given !== null && given !== undefined) number = await this.#number(given as Certificate);
    } catch (error) {
      if (isEnabled('error')) logRecord('error', 'tls', 'certificateFor failed', { err: error, servername });
    }
    native.chooseCertificate(connection, number);
  }

  #number(given: Certificate): Promise<number> {
    const known = this.#numbers.get(given);
    if (known !== undefined) return known;
    const made = loadCertificate('certificateFor', given).then((identity) => {
      const number = native.tlsIdentity(identity);
      return accepted(number);
    });
    made.catch(() => this.#numbers.delete(given));
    this.#numbers.set(given, made);
    const [oldest] = this.#numbers;
    if (this.#numbers.size > KEPT) {
      this.#numbers.delete(oldest[0]);
      // A handshake that is just being given it has it by then: the number is looked up in the same turn.
      oldest[1].then(
        (number) => setImmediate(() => native.tlsDrop(number)),
        () => undefined,
      );
    }
    return made;
  }

  /** Lets all certificates go. */
  close(): void {
    for (const number of this.#numbers.values()) {
      number.then(
        (known) => native.tlsDrop(known),
        () => undefined,
      );
    }
    this.#numbers.clear();
  }
}
