import { describeValue } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';

/** Goes on with a request to the rest of the chain. It may be called again (a retry), or not at all (a cache). */
export type NextRequestStep<Request, Response> = (request: Request) => Promise<Response>;

/** A function round every request of a client: it may change what goes in and what comes out. */
export type Interceptor<Request, Response> = (
  request: Request,
  next: NextRequestStep<Request, Response>,
) => Response | PromiseLike<Response>;

/**
 * The interceptors of a client, the first that was added outermost. Without any, a request costs nothing more. One that
 * is under way keeps those that there were when it began.
 */
export class Interceptors<Request, Response> {
  readonly #innermost: NextRequestStep<Request, Response>;
  #functions: readonly Interceptor<Request, Response>[] = [];
  #run: NextRequestStep<Request, Response>;

  constructor(innermost: NextRequestStep<Request, Response>) {
    this.#innermost = innermost;
    this.#run = innermost;
  }

  /** Adds one, inside of those that are there. */
  use(fn: Interceptor<Request, Response>): void {
    if (typeof fn !== 'function') {
      throw misuse('MILLRACE_INVALID_ARGUMENT', `use: needs a function, got ${describeValue(fn)}`);
    }
    this.#functions = [...this.#functions, fn];
    this.#run = this.#functions.reduceRight<NextRequestStep<Request, Response>>(
      (next, around) => layer(around, next),
      this.#innermost,
    );
  }

  /** Takes a request through all of them to the innermost. What one throws rejects. */
  run(request: Request): Promise<Response> {
    return this.#run(request);
  }

  get size(): number {
    return this.#functions.length;
  }
}

function layer<Request, Response>(
  around: Interceptor<Request, Response>,
  next: NextRequestStep<Request, Response>,
): NextRequestStep<Request, Response> {
  return async (request) => around(request, next);
}
