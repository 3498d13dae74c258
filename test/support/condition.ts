/** Resolves when the condition holds; looks at every turn of the event loop, fails after five seconds. */
export async function until(holds: () => boolean, what: string | (() => string) = 'the condition'): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within 5 s: ${typeof what === 'string' ? what : what()}`);
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
  }
}

/** So many turns of the event loop, for what must *not* happen. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => setTimeout(resolve, 1));
}

/** A promise with its ends outside. */
export function deferred<T = void>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
} {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
