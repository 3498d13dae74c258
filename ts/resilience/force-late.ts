import type { Deadline } from './deadline.js';

/** Waits for a close that is under way; `force` ends what is left when the deadline passes first. */
export async function forceLate(deadline: Deadline, closed: Promise<unknown>, force: () => void): Promise<void> {
  try {
    await deadline.race(closed);
  } catch {
    force();
  } finally {
    deadline.clear();
  }
}
