import { describeValue } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import { RESOLVER_OPTIONS } from '../options/resolver.generated.js';
import type { ResolverOptionValues } from '../options/resolver.generated.js';
import { validateOptions } from '../options/validate.js';
import { FunctionNames } from './lookup-function.js';
import type { LookupFunction } from './lookup-function.js';
import { NameService } from './name-service.js';
import type { Names } from './names.js';
import { namesOfResolver, Resolver } from './resolver.js';
import { SYSTEM_FILES } from './system-files.js';

/** The longest that a timer of Node.js waits, in milliseconds: whoever asks the shared one has a limit of their own. */
const NO_LIMIT = 2_147_483_647;

let shared: NameService | null = null;

/** Who resolves the names of a call of `owner`: what its option `resolver` holds, or the one of this thread. */
export function namesFor(owner: string, resolver: unknown): Names {
  if (resolver === null || resolver === undefined) {
    return (shared ??= sharedNames());
  }
  if (resolver instanceof Resolver) return namesOfResolver(resolver);
  if (typeof resolver === 'function') return new FunctionNames(resolver as LookupFunction);
  // One of another copy of this package, or of a package like it.
  const { lookup } = resolver as { lookup?: unknown };
  if (typeof lookup === 'function') return new FunctionNames((lookup as LookupFunction).bind(resolver));
  const message = `${owner}: option "resolver" must be a Resolver or a function of the shape of dns.lookup, got ${describeValue(resolver)}`;
  throw misuse('MILLRACE_INVALID_ARGUMENT', message);
}

function sharedNames(): NameService {
  return new NameService(validateOptions<ResolverOptionValues>(RESOLVER_OPTIONS, { timeout: NO_LIMIT }), SYSTEM_FILES);
}
