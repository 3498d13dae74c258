/** What the OCSP response about a server's certificate says. */
export interface OcspFacts {
  /** `absent`: none was stapled; `invalid`: there was one that says nothing. */
  readonly status: 'good' | 'revoked' | 'absent' | 'invalid';
  /** Why it is invalid, or since when and why the certificate is revoked. */
  readonly detail: string | null;
  /** When a good status was known to be so. */
  readonly thisUpdate: Date | null;
  /** When a good response ends. */
  readonly nextUpdate: Date | null;
  /** When the certificate was revoked. */
  readonly revokedAt: Date | null;
}

/** What the timestamps (RFC 6962) of a server's certificate come to. */
export interface CtFacts {
  /** Whether they satisfy the rule: logs enough, of two operators. */
  readonly verdict: 'satisfied' | 'insufficient';
  /** What is missing. */
  readonly detail: string | null;
  /** How many logs have given one that counts. */
  readonly valid: number;
  /** Who runs those logs. */
  readonly operators: readonly string[];
  readonly timestamps: readonly CtTimestamp[];
}

/** A signed certificate timestamp. */
export interface CtTimestamp {
  readonly source: 'certificate' | 'ocsp';
  readonly status: 'valid' | 'validThenRetired' | 'unknownLog' | 'logNotUsable' | 'fromTheFuture' | 'wrongSignature';
  /** The log's id in base64, as lists of logs have it. */
  readonly logId: string;
  /** Who runs the log, where it is known. */
  readonly operator: string | null;
  readonly at: Date;
}

/** @internal How many parts of the facts are about OCSP. */
export const OCSP_PARTS = 4;

const dateOf = (seconds: string): Date | null => (seconds === '' ? null : new Date(Number(seconds) * 1000));

/** @internal From the parts that the native core gives. */
export function ocspFacts([status, detail, at, until]: readonly string[]): OcspFacts | null {
  if (status === '') return null;
  return {
    status: status as OcspFacts['status'],
    detail: detail || null,
    thisUpdate: status === 'good' ? dateOf(at) : null,
    nextUpdate: dateOf(until),
    revokedAt: status === 'revoked' ? dateOf(at) : null,
  };
}

/** @internal From the parts that the native core gives, those about OCSP left out. */
export function ctFacts([judged, missing, ...rest]: readonly (string | undefined)[]): CtFacts | null {
  if (judged === undefined) return null;
  const timestamps = (rest as string[]).map(timestampOf);
  const counting = timestamps.filter(({ status }) => status === 'valid' || status === 'validThenRetired');
  return {
    verdict: missing === '' ? 'satisfied' : 'insufficient',
    detail: missing || null,
    valid: new Set(counting.map(({ logId }) => logId)).size,
    operators: [...new Set(counting.flatMap(({ operator }) => operator ?? []))],
    timestamps,
  };
}

function timestampOf(part: string): CtTimestamp {
  const [source, status, at, id, ...operator] = part.split(' ');
  return {
    source: source as CtTimestamp['source'],
    status: status as CtTimestamp['status'],
    logId: Buffer.from(id, 'hex').toString('base64'),
    operator: operator.join(' ') || null,
    at: new Date(Number(at)),
  };
}
