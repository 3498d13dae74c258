/** A member of Accept-Encoding with its weight: three decimals at most (RFC 9110 §12.4.2, §12.5.3). */
const MEMBER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i;

/**
 * Which of the content codings that are offered an Accept-Encoding field takes, best first: by weight, then in the
 * order of the offer (RFC 9110 §12.5.3). Without the field, none: a client that says nothing may decode nothing.
 *
 * `identity` is left out and is what remains when the list is empty. A coding that the client weighs less than an
 * `identity` that it names is not taken. Where it refuses `identity` too, the RFC leaves answering uncoded to us.
 */
export function acceptedCodings<Coding extends string>(
  field: string | undefined,
  offered: readonly Coding[],
): Coding[] {
  if (field === undefined) return [];
  const weights = new Map<string, number>();
  for (const member of field.split(',')) {
    // A malformed member says nothing, and takes nothing from the others.
    const match = MEMBER.exec(member.trim());
    if (match !== null) weights.set(canonical(match[1].toLowerCase()), match[2] === undefined ? 1 : Number(match[2]));
  }
  const least = weights.get('identity') ?? 0;
  const weightOf = (coding: string): number => weights.get(coding) ?? weights.get('*') ?? 0;
  return offered
    .filter((coding) => weightOf(coding) > 0 && weightOf(coding) >= least)
    .sort((a, b) => weightOf(b) - weightOf(a));
}

/** RFC 9110 §8.4.1.3: x-gzip is gzip. */
function canonical(coding: string): string {
  return coding === 'x-gzip' ? 'gzip' : coding;
}
