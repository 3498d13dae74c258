import type { Level } from './level.js';

/** What a record carries beside its message: numbers, texts and the like; an error goes under `err`. */
export type Fields = Readonly<Record<string, unknown>>;

/** No fields at all. */
export const NO_FIELDS: Fields = Object.freeze({});

/** One entry of the log. Texts in it are escaped: none can move a cursor or begin a new line. */
export interface LogRecord {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly level: Level;
  /** The part of millrace that speaks, for instance `server`. */
  readonly component: string;
  readonly message: string;
  readonly fields: Fields;
  /** On whose behalf: the ids of a request where `logContext` is on, and what `withLogContext` added. */
  readonly context: Fields;
}
