import { AsyncLocalStorage } from 'node:async_hooks';

import { NO_FIELDS } from './record.js';
import type { Fields } from './record.js';

/** Made by the first context: a process without one pays nothing, not even the hooks of asynchronous contexts. */
let storage: AsyncLocalStorage<Fields> | undefined;

/**
 * Calls the function; every record that is logged meanwhile, and by what it starts, carries the fields as its context,
 * beside those of the context that it is called in.
 */
export function withLogContext<Result>(fields: Fields, fn: () => Result): Result {
  return (storage ??= new AsyncLocalStorage()).run(within(fields), fn);
}

/** The fields of the context that we are in; empty outside of any. */
export function getLogContext(): Fields {
  return storage?.getStore() ?? NO_FIELDS;
}

/** As `withLogContext`, without a function of its own for each call. The fields are taken as they are. */
export function runInContext<A, B>(fields: Fields, fn: (a: A, b: B) => void, a: A, b: B): void {
  (storage ??= new AsyncLocalStorage()).run(fields, fn, a, b);
}

function within(fields: Fields): Fields {
  const outer = getLogContext();
  return outer === NO_FIELDS ? { ...fields } : { ...outer, ...fields };
}
