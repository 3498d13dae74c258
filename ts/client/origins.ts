import { quote } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import type { ClientOptions, OriginOptions } from './client-options.js';
import type { Settings } from './settings.js';

/** Which origins a key of `origins` names. */
interface OriginPattern {
  readonly key: string;
  /** Undefined: both. */
  readonly scheme: 'http' | 'https' | undefined;
  /** In lower case, without brackets; of a pattern what follows its `*`. */
  readonly host: string;
  readonly kind: 'exact' | 'suffix' | 'any';
  /** Undefined: each. */
  readonly port: number | undefined;
}

interface Rule extends OriginPattern {
  readonly settings: Settings;
}

const FORM = /^(?:(https?):\/\/)?(\*|(?:\*\.)?[^*/?#@\s[\]:]+|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}|\*))?\/?$/;

/**
 * Options by origin. A key is an origin, or a pattern of origins: `[scheme://]host[:port]`, where the host may be
 * `*.name` (each name below it, not itself) or `*`. Without a scheme both are meant; without a port, the scheme's own
 * where there is a scheme, and any where there is none; `:*` is any port.
 *
 * Of several that match an origin the most specific alone holds: a name goes before `*.`, the longer `*.` before the
 * shorter, `*` is last; then a scheme before none, and a port before any.
 */
export class Origins {
  private readonly _client: Settings;
  private readonly _rules: readonly Rule[];

  constructor(settings: Settings, given: ClientOptions) {
    this._client = settings;
    const rules: Rule[] = [];
    for (const [key, own] of Object.entries(settings.values.origins ?? {})) {
      const pattern = patternOf(key);
      const same = rules.find(
        (rule) => compare(rule, pattern) === 0 && rule.host === pattern.host && sameRest(rule, pattern),
      );
      if (same !== undefined) {
        throw misuse('MILLRACE_INVALID_ARGUMENT', `Client: origins ${quote(same.key)} and ${quote(key)} are the same`);
      }
      const owner = `Client: origins ${quote(key)}`;
      rules.push({ ...pattern, settings: settings.with(owner, given, own as OriginOptions) });
    }
    this._rules = rules.sort(compare);
  }

  /** What holds for an origin; `host` is without brackets. */
  settingsOf(scheme: string, host: string, port: number): Settings {
    for (const rule of this._rules) if (matches(rule, scheme, host, port)) return rule.settings;
    return this._client;
  }
}

function patternOf(key: string): OriginPattern {
  const match = FORM.exec(key);
  const [, scheme, name = '', port] = match ?? [];
  const number = port === undefined || port === '*' ? undefined : Number(port);
  const host = hostOf(name);
  if (match === null || host === undefined || (number !== undefined && (number < 1 || number > 65_535))) {
    const form = "[scheme://]host[:port], with scheme http or https and a host that may be '*.name' or '*'";
    throw misuse('MILLRACE_INVALID_ARGUMENT', `Client: a key of option 'origins' must be ${form}, got ${quote(key)}`);
  }
  const usual = scheme === 'https' ? 443 : scheme === 'http' ? 80 : undefined;
  return {
    key,
    scheme: scheme as OriginPattern['scheme'],
    host,
    kind: name === '*' ? 'any' : name.startsWith('*.') ? 'suffix' : 'exact',
    port: port === '*' ? undefined : (number ?? usual),
  };
}

/** As a URL has it: a name of other scripts in punycode, an address in its usual form. */
function hostOf(name: string): string | undefined {
  if (name === '*') return '';
  const plain = name.startsWith('*.') ? name.slice(2) : name;
  try {
    const { hostname } = new URL(`http://${plain}/`);
    const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
    return name.startsWith('*.') ? `.${host}` : host;
  } catch {
    return undefined;
  }
}

const KINDS = { exact: 0, suffix: 1, any: 2 } as const;

/** The more specific one first. */
function compare(a: OriginPattern, b: OriginPattern): number {
  return (
    KINDS[a.kind] - KINDS[b.kind] ||
    (a.kind === 'suffix' ? b.host.length - a.host.length : 0) ||
    Number(a.scheme === undefined) - Number(b.scheme === undefined) ||
    Number(a.port === undefined) - Number(b.port === undefined)
  );
}

function sameRest(a: OriginPattern, b: OriginPattern): boolean {
  return a.scheme === b.scheme && a.port === b.port;
}

function matches(rule: OriginPattern, scheme: string, host: string, port: number): boolean {
  if (rule.scheme !== undefined && rule.scheme !== scheme) return false;
  if (rule.port !== undefined && rule.port !== port) return false;
  return rule.kind === 'any' || (rule.kind === 'exact' ? host === rule.host : host.endsWith(rule.host));
}
