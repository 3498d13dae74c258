/**
 * Which prefixes of routes cover a path, as the native core says it (crates/admission/src/routes.rs): by segments, upper
 * and lower case of ASCII being one. A path that routers read in more than one way falls under the rules of each reading,
 * so that `/x/../login`, `//login` and `/%6Cogin` are no ways round a rule for `/login`.
 */
export class RoutePrefixes {
  /** In their plain form, the longest first. */
  private readonly _prefixes: readonly string[];

  constructor(prefixes: Iterable<string>) {
    this._prefixes = [...new Set(Array.from(prefixes, plainPrefix))].sort((a, b) => b.length - a.length);
  }

  /** The longest prefix of each reading of a path, in its plain form. */
  find(path: string): (string | undefined)[] {
    const literal = this.longest(lower(path));
    return ODD.test(path) ? [literal, this.longest(plainForm(path))] : [literal];
  }

  private longest(path: string): string | undefined {
    return this._prefixes.find(
      (prefix) =>
        prefix === '' || (path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/')),
    );
  }
}

/** An escape, a backslash, or a segment that is empty or begins with a dot. */
const ODD = /[%\\]|\/[/.]/;

/** The plain form of a prefix, whose text is Unicode where a path's is bytes. */
export function plainPrefix(prefix: string): string {
  return plainForm(Buffer.from(prefix).toString('latin1'));
}

/** Escapes decoded once, except for those of slashes; `\` taken for `/`; empty and dot segments resolved; lower case. */
function plainForm(path: string): string {
  const segments: string[] = [];
  for (const part of path.split(/[/\\]/)) {
    const segment = lower(part.replace(/%([0-9a-f]{2})/gi, decoded));
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return segments.map((segment) => `/${segment}`).join('');
}

function decoded(escape: string, digits: string): string {
  const character = String.fromCharCode(parseInt(digits, 16));
  return character === '/' || character === '\\' ? escape : character;
}

function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
