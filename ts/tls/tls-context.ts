import { types } from 'node:util';

import { describeValue } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import { isEnabled, logRecord } from '../log/log.js';
import type { NativeTlsServer } from '../native/binding.js';
import { native } from '../native/loader.js';
import type { TlsClientOptions } from '../options/tls-client.generated.js';
import type { TlsServerOptionValues } from '../options/tls-server.generated.js';
import { optionsOf } from '../options/validate.js';
import { accepted } from './accepted.js';
import { CertificateChooser } from './certificate-chooser.js';
import { clientOptions } from './client-options.js';
import type { CrlFacts } from './crl-facts.js';
import { crlFactsOf } from './crl-facts.js';
import type { AutoRefresh, LoadedCrls } from './crl-source.js';
import { every, loadCrls } from './crl-source.js';
import { filesOf } from './material.js';
import { checkClientOptions, checkServerOptions } from './option-rules.js';
import { sourcesOf, stapledOf } from './ocsp-responses.js';
import { OcspStapler } from './ocsp-stapler.js';
import { serverOptions } from './server-options.js';
import { handOver } from './secrets.js';
import type { TlsServerOptions } from './tls-options.js';

/** Native contexts go with the objects that stand for them. */
const forgotten = new FinalizationRegistry<number>((number) => native.tlsDrop(number));

type Kind = 'server' | 'client';

/**
 * Certificates, keys, trust and rules, read and checked once and used by any number of servers or connections of this
 * thread. What is replaced holds for handshakes that begin from then on; live connections go on.
 */
export class TlsContext {
  /** @internal The number in the native core. */
  readonly number: number;
  readonly kind: Kind;
  /** @internal For clients: the name that is asked for in place of the host. */
  readonly servername: string | null;
  #options: TlsServerOptions | TlsClientOptions;
  #crl: TlsServerOptionValues['crl'];
  /** Where the CRLs in force came from. */
  #crlPaths: LoadedCrls['paths'] = [];
  #refresh: AutoRefresh | null = null;
  #refreshing: { stop(): void } | undefined;
  #chooser: CertificateChooser | undefined;
  #stapler: OcspStapler | undefined;
  /** Settled when the last change is over, well or not. */
  #changing: Promise<void> = Promise.resolve();
  #warned = false;

  private constructor(kind: Kind, number: number, options: object, servername: string | null) {
    this.kind = kind;
    this.number = number;
    this.servername = servername;
    this.#options = options;
    this.#crl = null;
    forgotten.register(this, number);
  }

  /** A server's context. Rejects when something cannot be read, is malformed or does not belong together. */
  static async server(options: TlsServerOptions): Promise<TlsContext> {
    const { values, refresh } = checkServerOptions('TlsContext.server', options);
    const { given, crlPaths } = await serverOptions(values);
    const number = handOver(given, () => native.tlsServer(given));
    const context = new TlsContext('server', accepted(number), options, null);
    context.#crlPaths = crlPaths;
    context.#follow(values, refresh);
    await context.#startStapling(values, given);
    return context;
  }

  /** A client's context. */
  static async client(options: TlsClientOptions = {}): Promise<TlsContext> {
    const { values, refresh } = checkClientOptions('TlsContext.client', options);
    const { given, crlPaths } = await clientOptions('TlsContext.client', values);
    const number = handOver(given, () => native.tlsClient(given));
    const context = new TlsContext('client', accepted(number), options, values.servername);
    if (!values.rejectUnauthorized) context.#warnOnce();
    context.#crl = values.crl;
    context.#crlPaths = crlPaths;
    context.#startRefresh(refresh);
    return context;
  }

  /**
   * Replaces what is given of a server's options, for handshakes that begin from now on; files are read again. When it
   * rejects, everything stays as it was.
   */
  async update(options: Partial<TlsServerOptions>): Promise<void> {
    this.#mustBe('server', 'update');
    const changes = optionsOf('TlsContext.update', options);
    const { stapling } = await this.#inTurn(() => this.#replace(changes));
    await stapling;
  }

  async #replace(changes: Partial<TlsServerOptions>): Promise<{ stapling: Promise<void> }> {
    const next = { ...this.#options, ...changes } as TlsServerOptions;
    const { values, refresh } = checkServerOptions('TlsContext.update', next);
    const { given, crlPaths } = await serverOptions(values);
    // Handshakes have the responses of before until there are new ones.
    for (const [place, source] of sourcesOf(values, given.identities.length).entries()) {
      const good = source === undefined ? undefined : this.#stapler?.goodFor(given.identities[place].chain);
      if (good !== undefined) given.identities[place].ocsp = good.response;
    }
    accepted(handOver(given, () => native.tlsUpdate(this.number, given)));
    this.#options = next;
    this.#crlPaths = crlPaths;
    this.#follow(values, refresh);
    // The first answers are waited for by whoever updates, and hold up no other change.
    return { stapling: this.#startStapling(values, given) };
  }

  /**
   * Reads the CRLs again, and resolves with what is in force then. When that fails the last good ones stay in force, and
   * it rejects.
   */
  async reloadCrl(): Promise<readonly CrlFacts[]> {
    if (this.#crl === null) {
      throw misuse('MILLRACE_INVALID_STATE', 'TlsContext.reloadCrl: the context was made without crl');
    }
    return this.#inTurn(async () => {
      const { bytes, paths } = await loadCrls(this.#crl, "TlsContext.reloadCrl: option 'crl'");
      accepted(native.tlsCrls(this.number, bytes));
      this.#crlPaths = paths;
      return this.crls();
    });
  }

  /** The CRLs in force, the newest first. */
  crls(): readonly CrlFacts[] {
    return crlFactsOf(this.number, this.#crlPaths);
  }

  /** Seals tickets with other keys from now on: random ones, or 48 secret bytes that a fleet shares. */
  rotateTickets(key?: Uint8Array): void {
    this.#mustBe('server', 'rotateTickets');
    if (key !== undefined && !types.isUint8Array(key)) {
      // What is no key may still be a secret.
      const got = typeof key === 'string' ? 'a string' : describeValue(key);
      throw misuse(
        'MILLRACE_INVALID_ARGUMENT',
        `TlsContext.rotateTickets: the key must be a Uint8Array of 48 bytes, got ${got}`,
      );
    }
    accepted(native.tlsRotate(this.number, key));
  }

  /** Stops refreshing CRLs and OCSP responses. Servers and connections that use the context go on. */
  close(): void {
    this.#refreshing?.stop();
    this.#refreshing = undefined;
    this.#chooser?.close();
    this.#stapler?.stop();
  }

  /** @internal Answers a handshake that asks for a certificate. */
  choose(connection: number, text: string, ecdsa: boolean): void {
    if (this.#chooser === undefined) native.chooseCertificate(connection, 0);
    else void this.#chooser.answer(connection, text, ecdsa);
  }

  /** Changes read files, and wait for one another: each begins with what the one before has left. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#changing.then(change);
    this.#changing = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  #follow(values: TlsServerOptionValues, refresh: AutoRefresh | null): void {
    this.#crl = values.crl;
    const choose = values.certificateFor as TlsServerOptions['certificateFor'] | null;
    this.#chooser?.replace();
    this.#chooser = choose === null || choose === undefined ? undefined : new CertificateChooser(choose);
    this.#startRefresh(refresh);
  }

  async #startStapling(values: TlsServerOptionValues, { identities }: NativeTlsServer): Promise<void> {
    const before = this.#stapler;
    before?.stop();
    this.#stapler = undefined;
    const stapled = stapledOf(this.number, values, identities);
    if (stapled.length === 0) return;
    const self = new WeakRef(this);
    const stapler = new OcspStapler(stapled, before, () => self.deref() !== undefined);
    this.#stapler = stapler;
    await stapler.start();
  }

  #startRefresh(refresh: AutoRefresh | null): void {
    this.#refreshing?.stop();
    this.#refresh = refresh;
    if (refresh === null) return;
    // The timer must not keep a context alive that nobody else has.
    const self = new WeakRef(this);
    const refreshing = every(refresh.interval, () => {
      const context = self.deref();
      if (context === undefined) refreshing.stop();
      else void context.#refreshNow();
    });
    this.#refreshing = refreshing;
  }

  async #refreshNow(): Promise<void> {
    const paths = filesOf(this.#crl).map(String);
    let failed: Error | null = null;
    try {
      await this.reloadCrl();
    } catch (error) {
      failed = types.isNativeError(error) ? error : new Error(String(error));
      if (isEnabled('warn')) logRecord('warn', 'tls', 'CRLs could not be read again', { err: error, paths });
    }
    for (const path of paths) this.#refresh?.onRefresh?.(path, failed);
  }

  #mustBe(kind: Kind, name: string): void {
    if (this.kind !== kind) {
      throw misuse('MILLRACE_INVALID_STATE', `TlsContext.${name}: this is a ${this.kind}'s context`);
    }
  }

  #warnOnce(): void {
    if (this.#warned || !isEnabled('warn')) return;
    this.#warned = true;
    logRecord('warn', 'tls', 'rejectUnauthorized is false: connections are open to whoever sits in between', {});
  }
}
