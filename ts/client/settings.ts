import { inspectedAs } from '../errors/inspected-as.js';
import { misuse } from '../errors/millrace-error.js';
import type { HeadersInput } from '../message/head-text.js';
import type { ClientOptionValues } from '../options/client.generated.js';
import { CLIENT_OPTIONS } from '../options/client.generated.js';
import { validateOptions } from '../options/validate.js';
import { ConnectionPool } from '../pool/pool.js';
import type { PoolLimits } from '../pool/pool-key.js';
import { poolLimits } from '../pool/pool-limits.js';
import type { ProxyOption } from '../proxy/route.js';
import { checkProxy } from '../proxy/route.js';
import { CircuitBreaker } from '../resilience/circuit-breaker.js';
import { Authenticator } from './auth/authenticator.js';
import type { CallHelp } from './call.js';
import type { ClientOptions, OriginOptions } from './client-options.js';
import { ClientTls } from './client-tls.js';
import { Cookies } from './cookies.js';
import type { DispatchFunction } from './dispatch-function.js';
import type { FieldsText } from './fields.js';
import { fieldsOver, fieldsText, namesOf, NO_FIELDS } from './fields.js';
import { RequestTimeouts } from './timeouts.js';

/** What options say, checked and made ready: of a client, or of some of its origins. */
export class Settings {
  readonly values: ClientOptionValues;
  readonly pool: ConnectionPool;
  /** Caps and times of an origin's connections, in place of the pool's. */
  readonly limits: PoolLimits | undefined;
  readonly times: RequestTimeouts;
  readonly fields: FieldsText;
  readonly tls: ClientTls;
  readonly help: CallHelp;
  /** Credentials for these origins alone: sent there however a request came there. */
  readonly hasOwnAuth: boolean;
  /** Whether calls are one exchange each, unless they are redirected. */
  readonly isPlain: boolean;
  /** In place of the client's; undefined: that of the client. */
  readonly dispatch: DispatchFunction | null | undefined;
  private _names: ReadonlySet<string> | undefined;

  constructor(owner: string, given: ClientOptions, under?: { settings: Settings; own: OriginOptions }) {
    const values = validateOptions<ClientOptionValues>({ ...CLIENT_OPTIONS, owner }, given);
    const { headers, timeouts, maxHeaderSize, maxHeaderFields, auth, jar, breaker } = values;
    if (values.proxy !== null) checkProxy(owner, values.proxy as ProxyOption);
    this.values = values;
    const inherits = (name: keyof OriginOptions): boolean => under !== undefined && under.own[name] === undefined;
    const base = under?.settings as Settings;
    const { pool } = values;
    if (under === undefined) this.pool = pool instanceof ConnectionPool ? pool : new ConnectionPool(pool ?? {});
    else this.pool = under.own.pool instanceof ConnectionPool ? under.own.pool : base.pool;
    this.limits = under === undefined || inherits('pool') ? undefined : poolLimits(owner, under.own.pool ?? null);
    this.times = new RequestTimeouts(timeouts, maxHeaderSize, maxHeaderFields);
    this.fields = headers === null ? NO_FIELDS : fieldsText(headers as HeadersInput);
    this.tls = inherits('tls') ? base.tls : new ClientTls(owner, values.tls);
    this.help = {
      authenticator: inherits('auth') ? base.help.authenticator : auth === null ? null : new Authenticator(auth),
      cookies: inherits('jar') ? base.help.cookies : jar === null ? null : new Cookies(jar),
      breaker: inherits('breaker') ? base.help.breaker : breakerOf(breaker),
    };
    this.hasOwnAuth = under !== undefined && !inherits('auth');
    this.isPlain = Object.values(this.help).every((one) => one === null);
    this.dispatch = inherits('dispatch') ? undefined : (values.dispatch as DispatchFunction | null);
  }

  /** Settings of some origins: these, with what was given in their place. */
  with(owner: string, given: ClientOptions, own: OriginOptions): Settings {
    return new Settings(owner, merged(owner, given, own), { settings: this, own });
  }

  /** The names of the fields that each request has, in lower case. */
  get fieldNames(): ReadonlySet<string> {
    return (this._names ??= namesOf((this.values.headers ?? []) as HeadersInput));
  }
}

const DEFAULTS: ReadonlyMap<string, unknown> = new Map(CLIENT_OPTIONS.rows.map((row) => [row.name, row.default]));

/** Timeouts by phase and fields by name take the place of the client's; of all else the whole value does. */
function merged(owner: string, client: ClientOptions, own: OriginOptions): ClientOptions {
  if (typeof own !== 'object' || own === null || Array.isArray(own)) {
    throw misuse('MILLRACE_INVALID_ARGUMENT', `${owner}: the options must be an object`);
  }
  if ((own as ClientOptions).origins !== undefined) {
    throw misuse('MILLRACE_INVALID_ARGUMENT', `${owner}: option 'origins' cannot be within itself`);
  }
  const { origins: _origins, ...rest } = client;
  const result: Record<string, unknown> = { ...rest };
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined) continue;
    const fallback = DEFAULTS.get(name);
    // What the client has is taken back; where null is a value of its own ("no limit"), it is that.
    if (value === null && (fallback === null || fallback === false)) delete result[name];
    else if (name === 'timeouts') result[name] = { ...client.timeouts, ...(value as object) };
    else if (name === 'headers') result[name] = fieldsOver(client.headers ?? null, value as HeadersInput);
    else result[name] = value;
  }
  return result;
}

function breakerOf(given: boolean | object): CircuitBreaker | null {
  if (given === false) return null;
  if (given instanceof CircuitBreaker) return given;
  return new CircuitBreaker(given === true ? {} : given);
}

// Options have passwords, those of proxies and of origins.
inspectedAs(Settings, ({ limits }) => ({ limits }));
