import { Deadline } from '../resilience/deadline.js';

/** What a function of the user decides; rejects when it throws, takes longer than `timeout` ms, or the signal is aborted. */
export async function decided<T>(decide: () => T | PromiseLike<T>, timeout: number, signal?: AbortSignal): Promise<T> {
  const answer = decide();
  const isLater = typeof answer === 'object' && answer !== null && 'then' in answer;
  if (!isLater) return answer;
  let stop = (): void => undefined;
  const left = new Promise<never>((_, reject) => {
    stop = () => reject(signal?.reason as Error);
    signal?.addEventListener('abort', stop, { once: true });
  });
  const deadline = Deadline.after(timeout);
  try {
    return await deadline.race(Promise.race([answer, left]));
  } finally {
    deadline.clear();
    signal?.removeEventListener('abort', stop);
  }
}
