import type { KeyObject } from 'node:crypto';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';

/** A log of Certificate Transparency (RFC 6962) with a key of its own. */
export class CtLog {
  readonly operator: string;
  readonly #key: Buffer;
  readonly #private: KeyObject;

  constructor(operator: string) {
    this.operator = operator;
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = publicKey.export({ type: 'spki', format: 'der' });
    this.#private = privateKey;
  }

  get id(): string {
    return this.#id.toString('base64');
  }

  get #id(): Buffer {
    return createHash('sha256').update(this.#key).digest();
  }

  /** As a list of logs has it. */
  entry(state = 'usable', timestamp = '2020-01-01T00:00:00Z'): Record<string, unknown> {
    return { log_id: this.id, key: this.#key.toString('base64'), state: { [state]: { timestamp } } };
  }

  /** A timestamp for a precertificate (RFC 6962 §3.2). */
  sign(tbs: Uint8Array, issuerKey: Uint8Array, at: number): Buffer {
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(at));
    const length = Buffer.of(tbs.length >> 16, (tbs.length >> 8) & 0xff, tbs.length & 0xff);
    const issuer = createHash('sha256').update(issuerKey).digest();
    const signed = [Buffer.of(0, 0), time, Buffer.of(0, 1), issuer, length, tbs, Buffer.of(0, 0)];
    const signature = sign('sha256', Buffer.concat(signed), this.#private);
    return Buffer.concat([Buffer.of(0), this.#id, time, Buffer.of(0, 0, 4, 3), sized(signature)]);
  }
}

/** For `timestamps` of a certificate that is to be issued: one of each log. */
export function timestampsOf(logs: readonly CtLog[], at = Date.now() - 3_600_000) {
  return (tbs: Uint8Array, issuerKey: Uint8Array): Uint8Array =>
    sized(Buffer.concat(logs.map((log) => sized(log.sign(tbs, issuerKey, at)))));
}

/** A list of logs in the form of `log_list.json`, version 3. */
export function logList(logs: readonly CtLog[], state?: string, timestamp?: string): string {
  const operators = [...new Set(logs.map(({ operator }) => operator))];
  return JSON.stringify({
    version: '1.0',
    operators: operators.map((name) => ({
      name,
      email: [],
      logs: logs.filter(({ operator }) => operator === name).map((log) => log.entry(state, timestamp)),
      tiled_logs: [],
    })),
  });
}

function sized(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes]);
}
