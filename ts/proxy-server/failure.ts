import { MillraceError } from '../errors/millrace-error.js';

/** Why a proxy opens no tunnel, in the words of each protocol. */
export interface Failure {
  /** The reply of SOCKS, as the native core numbers them. */
  readonly reply: number;
  readonly status: number;
  /** The error type of `Proxy-Status` (RFC 9209 §2.3). */
  readonly type: string;
}

export const GRANTED = 0;

const FAILED: Failure = { reply: 1, status: 502, type: 'proxy_internal_error' };
export const FORBIDDEN: Failure = { reply: 2, status: 403, type: 'http_request_denied' };
export const PROHIBITED: Failure = { reply: 2, status: 403, type: 'destination_ip_prohibited' };
const LOOP: Failure = { reply: 1, status: 502, type: 'proxy_loop_detected' };
const NO_ROUTE: Failure = { reply: 3, status: 502, type: 'destination_ip_unroutable' };
const UNREACHABLE: Failure = { reply: 4, status: 502, type: 'destination_unavailable' };
const NO_NAME: Failure = { reply: 4, status: 502, type: 'dns_error' };
const REFUSED: Failure = { reply: 5, status: 502, type: 'connection_refused' };
const LATE: Failure = { reply: 6, status: 504, type: 'connection_timeout' };

const BY_CODE: Readonly<Record<string, Failure>> = {
  MILLRACE_PROXY_TARGET_FORBIDDEN: FORBIDDEN,
  MILLRACE_PROXY_TARGET_PROHIBITED: PROHIBITED,
  MILLRACE_PROXY_LOOP: LOOP,
  MILLRACE_DNS_FAILED: NO_NAME,
  MILLRACE_DNS_NOT_FOUND: NO_NAME,
  MILLRACE_DNS_NAME_INVALID: NO_NAME,
  MILLRACE_DNS_TIMEOUT: { ...NO_NAME, status: 504, type: 'dns_timeout' },
  MILLRACE_CONNECT_TIMEOUT: LATE,
  MILLRACE_TOTAL_TIMEOUT: LATE,
  MILLRACE_PROXY_TIMEOUT: LATE,
  MILLRACE_TLS_TIMEOUT: LATE,
  MILLRACE_SOCKS_FORBIDDEN: FORBIDDEN,
  MILLRACE_SOCKS_NETWORK_UNREACHABLE: NO_ROUTE,
  MILLRACE_SOCKS_HOST_UNREACHABLE: UNREACHABLE,
  MILLRACE_SOCKS_CONNECTION_REFUSED: REFUSED,
  MILLRACE_SOCKS_TTL_EXPIRED: LATE,
};

const BY_SYSTEM: Readonly<Record<string, Failure>> = {
  ECONNREFUSED: REFUSED,
  ENETUNREACH: NO_ROUTE,
  EHOSTUNREACH: UNREACHABLE,
  ETIMEDOUT: LATE,
};

export function failureOf(error: unknown): Failure {
  if (!(error instanceof MillraceError)) return FAILED;
  const system = (error.cause as { code?: string } | undefined)?.code ?? '';
  return BY_CODE[error.code] ?? (error.code === 'MILLRACE_SYSTEM' ? BY_SYSTEM[system] : undefined) ?? FAILED;
}

/** The value of `Proxy-Status` (RFC 9209 §2). */
export function proxyStatus({ type }: Pick<Failure, 'type'>): string {
  return `millrace; error=${type}`;
}
