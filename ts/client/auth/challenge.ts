/** One challenge of WWW-Authenticate or Proxy-Authenticate (RFC 9110 §11.3). */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** The one value of schemes as Negotiate, instead of parameters. */
  readonly token68: string | undefined;
  /** Names in lower case, values without quotes and escapes; of a name that comes twice, the first. */
  readonly params: ReadonlyMap<string, string>;
}

/** More than any server sends. */
const MAX_CHALLENGES = 16;
const MAX_PARAMS = 16;

const SPACE = /[ \t]*/y;
const SEPARATORS = /[ \t,]*/y;
const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
/** Behind a scheme and spaces; what follows is the end or a comma. */
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const QUOTED = /"((?:[^"\\]|\\[^])*)"/y;

/**
 * Every challenge of every such field, in order: several to a field, whose commas also part the parameters.
 *
 *     challenge = auth-scheme [ 1*SP ( token68 / #auth-param ) ]
 *     auth-param = token BWS "=" BWS ( token / quoted-string )
 *
 * What is malformed ends its field; the challenges before it stand, and the one within it has the parameters it had up to
 * there. A token is a parameter where `=` follows it, and else the scheme of the next challenge.
 */
export function parseChallenges(fields: Iterable<string>): Challenge[] {
  const found: Challenge[] = [];
  for (const field of fields) parseField(field, found);
  return found;
}

function parseField(field: string, found: Challenge[]): void {
  let at = 0;
  let params: Map<string, string> | undefined;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(field);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(SEPARATORS);
    const token = take(TOKEN)?.[0];
    if (token === undefined) return;
    const spaces = take(SPACE)?.[0] ?? '';
    if (field[at] === '=' && params !== undefined) {
      at++;
      take(SPACE);
      const value = field[at] === '"' ? take(QUOTED)?.[1].replace(/\\([^])/g, '$1') : take(TOKEN)?.[0];
      if (value === undefined) return;
      const name = token.toLowerCase();
      if (params.size < MAX_PARAMS && !params.has(name)) params.set(name, value);
      continue;
    }
    if (found.length === MAX_CHALLENGES) return;
    const token68 = spaces === '' ? undefined : take(TOKEN68)?.[0];
    params = new Map();
    found.push({ scheme: token.toLowerCase(), token68, params });
  }
}

/** The parameters of Authentication-Info (RFC 7615 §3), which has no scheme. */
export function parseParams(fields: Iterable<string>): ReadonlyMap<string, string> {
  const challenges: Challenge[] = [];
  for (const field of fields) parseField(`info ${field}`, challenges);
  return new Map(challenges.flatMap(({ params }) => [...params]));
}
