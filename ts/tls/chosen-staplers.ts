import type { NativeStaple } from '../native/binding.js';
import { native } from '../native/loader.js';
import { accepted } from './accepted.js';
import { issuedBy } from './issuer.js';
import type { OcspSource } from './ocsp-stapler.js';
import { OcspStapler } from './ocsp-stapler.js';

/** One certificate, and the native identities that stand for it. */
interface Chosen {
  readonly numbers: Set<number>;
  readonly stapler: OcspStapler;
  /** The first answer, or as long as one is waited for. */
  readonly asked: Promise<void>;
  /** Who was given last for the certificate. */
  readonly newest: { source: OcspSource };
}

/**
 * OCSP responses of the certificates that `certificateFor` gave with a function that gets them. One stapler asks for
 * each certificate, however many objects stand for it, as long as one of them is kept.
 */
export class ChosenStaplers {
  readonly #all = new Map<string, Chosen>();
  #stopped = false;

  /**
   * Has responses stapled for an identity until `leave`; resolves when there was a first answer, or it was waited for
   * long enough. Throws when the chain has no issuer.
   */
  async join(number: number, chain: Uint8Array, source: OcspSource): Promise<void> {
    const { certificate, issuer } = issuedBy('certificateFor', chain, []);
    if (this.#stopped) return;
    const known = this.#all.get(certificate.fingerprint256);
    if (known !== undefined) {
      known.numbers.add(number);
      known.newest.source = source;
      await known.asked;
      const good = known.stapler.goodFor(certificate.raw);
      if (good !== undefined) accepted(native.tlsStapleChosen(number, issuer.raw, good.response));
      return;
    }
    const numbers = new Set([number]);
    const staple = (response: Uint8Array): NativeStaple => {
      const answers = [...numbers].map((each) => accepted(native.tlsStapleChosen(each, issuer.raw, response)));
      return answers[0] as NativeStaple;
    };
    // The timers must not keep what nobody else has: neither this, nor by it the context.
    const self = new WeakRef(this);
    const newest = { source };
    const stapled = {
      ...{ certificate, issuer, chain: certificate.raw, staple },
      source: ((of, by) => newest.source(of, by)) satisfies OcspSource,
    };
    const stapler = new OcspStapler([stapled], undefined, () => self.deref() !== undefined);
    const asked = stapler.start();
    this.#all.set(certificate.fingerprint256, { numbers, stapler, asked, newest });
    await asked;
  }

  /** An identity goes. */
  leave(number: number): void {
    for (const [fingerprint, { numbers, stapler }] of this.#all) {
      if (!numbers.delete(number) || numbers.size > 0) continue;
      stapler.stop();
      this.#all.delete(fingerprint);
    }
  }

  /** Asks nobody any more. */
  stop(): void {
    this.#stopped = true;
    for (const { stapler } of this.#all.values()) stapler.stop();
    this.#all.clear();
  }
}
