/** What can be waited for: promises of any realm and library. */
export interface Thenable {
  then(resolve: ((value: unknown) => void) | undefined, reject: (error: unknown) => void): unknown;
}

export function isThenable(value: unknown): value is Thenable {
  return typeof value === 'object' && value !== null && typeof (value as Thenable).then === 'function';
}
