import { misuse } from '../errors/millrace-error.js';
import type { ServerRequest } from './request.js';
import type { ServerResponse } from './response.js';
import { isThenable } from './thenable.js';

/**
 * Goes on to the rest of the chain and resolves with what that answers: in `fetch` servers the Response. An error given
 * to it, as in Connect, fails the request.
 */
export type Next = (error?: unknown) => Promise<unknown>;

/**
 * A function round the handler. It calls `next` once, before, between or after its own work, or answers itself: by
 * `res`, or in `fetch` servers with a Response. It may await `next()`, whose rejection it then handles or passes on; one
 * that does not, as those of Connect and Express, leaves what happens behind it to the server.
 */
export type Middleware = (req: ServerRequest, res: ServerResponse, next: Next) => unknown;

/** The end of a chain: the handler. */
export type Innermost = (req: ServerRequest, res: ServerResponse) => unknown;

/** A promise that knows whether anybody took it up: `await`, too, calls the `then` of a class that is not Promise itself. */
class Watched<T> extends Promise<T> {
  isTaken = false;

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.isTaken = true;
    return super.then(onFulfilled, onRejected);
  }
}

/** Takes an error that no promise of the chain can carry any more. */
export type Failed = (error: unknown, req: ServerRequest, res: ServerResponse) => void;

/**
 * The functions as one, the first outermost. A function answers with the value that it returns; without one, with what
 * its `next()` gave. One that neither returns a promise, nor calls `next`, nor ends the response may still do so later:
 * until then the chain is unresolved, as a handler that has not answered yet.
 */
export function chain(
  functions: readonly Middleware[],
  innermost: Innermost,
  failed: Failed,
): (req: ServerRequest, res: ServerResponse) => Promise<unknown> {
  const step = (place: number, req: ServerRequest, res: ServerResponse): Promise<unknown> =>
    place === functions.length
      ? // An exception becomes a rejection; the handler runs now, not in a later tick.
        new Promise((resolve) => resolve(innermost(req, res)))
      : layer(functions[place], req, res, () => step(place + 1, req, res), failed);
  return (req, res) => step(0, req, res);
}

/** Runs one function; `inner` is the rest of the chain. */
function layer(
  fn: Middleware,
  req: ServerRequest,
  res: ServerResponse,
  inner: () => Promise<unknown>,
  failed: Failed,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let given: Watched<unknown> | undefined;
    let hasReturned = false;
    let isSettled = false;

    const answer = (value: unknown): void => {
      isSettled = true;
      resolve(value);
    };
    const fail = (error: unknown): void => {
      if (isSettled) failed(error, req, res);
      else reject(error);
      isSettled = true;
    };
    // What is behind `next` decides, unless the function took it up: then it has dealt with the error as well.
    const follow = (promise: Watched<unknown>): void => {
      observe(promise, answer, (error) => (promise.isTaken ? answer(undefined) : fail(error)));
    };

    const next: Next = (error) => {
      if (given !== undefined) {
        const refused = new Watched<unknown>((done) => done(twice()));
        observe(refused, undefined, (misuse) => refused.isTaken || fail(misuse));
        return refused;
      }
      const promise = new Watched<unknown>((done) =>
        done(error === undefined || error === null ? inner() : rejected(error)),
      );
      given = promise;
      if (hasReturned) follow(promise);
      else observe(promise, undefined, () => undefined);
      return promise;
    };

    const returned = (value: unknown, isOver: boolean): void => {
      hasReturned = true;
      if (value !== undefined) answer(value);
      if (given !== undefined) follow(given);
      else if (isOver) answer(undefined);
    };

    const result = fn(req, res, next);
    if (isThenable(result)) result.then((value) => returned(value, true), fail);
    else returned(result, res.writableEnded);
  });
}

/** Listens without taking the promise up. */
function observe(
  promise: Watched<unknown>,
  onFulfilled: ((value: unknown) => void) | undefined,
  onRejected: (error: unknown) => void,
): void {
  void Promise.prototype.then.call(promise, onFulfilled, onRejected);
}

function rejected(error: unknown): Promise<never> {
  // What was given to `next` is passed on as it is.
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
  return Promise.reject(error);
}

function twice(): Promise<never> {
  return rejected(misuse('MILLRACE_INVALID_STATE', 'a middleware called next() a second time'));
}
