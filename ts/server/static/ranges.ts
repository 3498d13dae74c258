/** Bytes from `start` up to and without `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** More parts than a reader of documents or media asks for are refused quietly: the whole is sent (RFC 9110 §14.2). */
const MOST = 16;
/** Parts nearer than this are sent as one: the fields between them would take as many bytes (RFC 9110 §15.3.7.2). */
const NEAR = 128;
const ONE = /^(\d{1,15})-(\d{1,15})?$|^-(\d{1,15})$/;

/**
 * The ranges that a Range field asks for, of a representation of this length: in order, without overlaps. `ignored` for
 * a field that is malformed, of another unit or of too many parts; `unsatisfiable` where none of them lies within.
 */
export function rangesOf(field: string, length: number): ByteRange[] | 'ignored' | 'unsatisfiable' {
  const set = /^bytes=(.*)$/i.exec(field)?.[1];
  if (set === undefined) return 'ignored';
  const members = set
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '');
  if (members.length === 0 || members.length > MOST) return 'ignored';
  const found: ByteRange[] = [];
  for (const member of members) {
    const match = ONE.exec(member);
    if (match === null) return 'ignored';
    const [, first, last, suffix] = match;
    if (last !== undefined && Number(last) < Number(first)) return 'ignored';
    const start = suffix === undefined ? Number(first) : Math.max(0, length - Number(suffix));
    const end = last === undefined ? length : Math.min(length, Number(last) + 1);
    if (start < end) found.push({ start, end });
  }
  return found.length === 0 ? 'unsatisfiable' : coalesced(found);
}

/** RFC 9110 §14.2: a server may send overlapping or near parts as one. Order is then that of the bytes. */
function coalesced(ranges: ByteRange[]): ByteRange[] {
  const apart = ranges.every(
    ({ start, end }, at) =>
      !ranges.some((other, index) => index !== at && start < other.end + NEAR && other.start < end + NEAR),
  );
  // Parts that are apart come as they were asked for: the first may be the one that is needed first.
  if (apart) return ranges;
  const joined: { start: number; end: number }[] = [];
  for (const range of ranges.sort((a, b) => a.start - b.start)) {
    const before = joined.at(-1);
    if (before !== undefined && range.start < before.end + NEAR) before.end = Math.max(before.end, range.end);
    else joined.push({ ...range });
  }
  return joined;
}
