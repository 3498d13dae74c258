import { misuse } from '../errors/millrace-error.js';
import { isThenable } from '../message/thenable.js';
import type { ServerRequest } from './request.js';
import type { ServerResponse } from './response.js';

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

/** Takes an error that no promise of the chain can carry any more. */
export type Failed = (error: unknown, req: ServerRequest, res: ServerResponse) => void;

type Answer = (value: unknown) => void;
type Fail = (error: unknown) => void;

/** Runs the chain for one request; one of the two functions is called, once, or neither where nobody answers. */
export type Chain = (req: ServerRequest, res: ServerResponse, answer: Answer, fail: Fail) => void;

/**
 * The functions as one, the first outermost. A function answers with the value that it returns; without one, with what
 * its `next()` gave. One that neither returns a promise, nor calls `next`, nor ends the response may still do so later:
 * until then the chain is unresolved, as a handler that has not answered yet.
 */
export function chain(functions: readonly Middleware[], innermost: Innermost, failed: Failed): Chain {
  const last = functions.length - 1;
  const step = (place: number, req: ServerRequest, res: ServerResponse, answer: Answer, fail: Fail): void => {
    const inner =
      place === last
        ? (rest: Rest) => settleWith(() => innermost(req, res), rest.answer, rest.fail)
        : (rest: Rest) => step(place + 1, req, res, rest.answer, rest.fail);
    layer(functions[place], req, res, inner, answer, fail, failed);
  };
  return (req, res, answer, fail) => step(0, req, res, answer, fail);
}

/** Runs one function; `inner` runs the rest of the chain. */
function layer(
  fn: Middleware,
  req: ServerRequest,
  res: ServerResponse,
  inner: (rest: Rest) => void,
  onAnswer: Answer,
  onFail: Fail,
  failed: Failed,
): void {
  let given: Rest | undefined;
  let hasReturned = false;
  let isSettled = false;

  const answer = (value: unknown): void => {
    if (isSettled) return;
    isSettled = true;
    onAnswer(value);
  };
  const fail = (error: unknown): void => {
    if (isSettled) failed(error, req, res);
    else onFail(error);
    isSettled = true;
  };

  const next: Next = (error) => {
    const rest = new Rest();
    if (given !== undefined) {
      rest.fail(misuse('MILLRACE_INVALID_STATE', 'a middleware called next() a second time'));
      // It was given no answer that it could have dealt with.
      rest.follow(() => undefined, fail);
      return rest;
    }
    given = rest;
    if (hasReturned) rest.follow(answer, fail);
    if (error === undefined || error === null) inner(rest);
    else rest.fail(error);
    return rest;
  };

  settleWith(
    () => fn(req, res, next),
    (value, isLater) => {
      hasReturned = true;
      if (value !== undefined) answer(value);
      if (given !== undefined) given.follow(answer, fail);
      else if (isLater || res.writableEnded) answer(undefined);
    },
    fail,
  );
}

/** Calls the function, and one of the two with what comes of it, at once or `isLater`. */
function settleWith(fn: () => unknown, answer: (value: unknown, isLater: boolean) => void, fail: Fail): void {
  let result: unknown;
  try {
    result = fn();
  } catch (error) {
    fail(error);
    return;
  }
  if (isThenable(result)) result.then((value) => answer(value, true), fail);
  else answer(result, false);
}

/**
 * What `next()` answers with: a promise in everything but its making. It knows whether anybody took it up, and makes a
 * real promise only then, so that a chain of functions that do not wait costs no promises.
 */
class Rest implements Promise<unknown> {
  readonly [Symbol.toStringTag] = 'Promise';
  private _isTaken = false;
  private _state: 'pending' | 'answered' | 'failed' = 'pending';
  private _value: unknown = undefined;
  private _promise: Promise<unknown> | undefined;
  private _settle: (() => void) | undefined;
  private _followed: (() => void) | undefined;

  readonly answer: Answer = (value) => this.settle('answered', value);
  readonly fail: Fail = (error) => this.settle('failed', error);

  /**
   * Passes the outcome on; an error only where nobody took it up, for else it has been dealt with. `await` takes it up
   * in the microtask after its own, so that is waited for.
   */
  follow(answer: Answer, fail: Fail): void {
    this._followed = () => {
      if (this._state === 'answered') answer(this._value);
      else afterAwait(() => (this._isTaken ? answer(undefined) : fail(this._value)));
    };
    if (this._state !== 'pending') this._followed();
  }

  then<A = unknown, B = never>(
    onFulfilled?: ((value: unknown) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this._isTaken = true;
    this._promise ??= new Promise((resolve, reject) => {
      this._settle = () => {
        if (this._state === 'answered') resolve(this._value);
        // An error is passed on as it was thrown.
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
        else reject(this._value);
      };
      if (this._state !== 'pending') this._settle();
    });
    return this._promise.then(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<unknown> {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<unknown> {
    return this.then().finally(onFinally);
  }

  private settle(state: 'answered' | 'failed', value: unknown): void {
    if (this._state !== 'pending') return;
    this._state = state;
    this._value = value;
    this._settle?.();
    this._followed?.();
  }
}

function afterAwait(fn: () => void): void {
  queueMicrotask(() => queueMicrotask(fn));
}
