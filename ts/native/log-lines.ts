/** What the native core says; `crates/engine/src/log.rs` has the same list. */
export const SAID = {
  panicked: 0,
  acceptingPaused: 1,
  refused: 2,
  broke: 3,
  expired: 4,
  dropped: 5,
  panickedOutside: 6,
} as const;

/** One line of the native core, its fields apart. */
export interface NativeLine {
  readonly said: number;
  /** The number of an error code. */
  readonly code: number;
  /** Address and port; empty where there is none. */
  readonly peer: string;
  readonly limit: number | undefined;
  readonly seen: number | undefined;
  readonly text: string;
}

/** The lines that `takeLog` gives: fields parted by tabs, each line ended by a line feed. */
export function parseLines(lines: string): NativeLine[] {
  return lines
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [said = '', code = '', peer = '', limit = '', seen = '', text = ''] = line.split('\t');
      return { said: Number(said), code: Number(code), peer, limit: numberOf(limit), seen: numberOf(seen), text };
    });
}

function numberOf(text: string): number | undefined {
  return text === '' ? undefined : Number(text);
}
