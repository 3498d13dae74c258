import type { EventEmitter } from 'node:events';

/** Emits an event. What a listener throws is no failure of what is told: Node.js raises it as an uncaught exception. */
export function tell(emitter: EventEmitter, event: string, ...values: unknown[]): void {
  try {
    emitter.emit(event, ...values);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
