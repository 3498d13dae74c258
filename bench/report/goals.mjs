// Goals: ratios within one run, and whether the run reached them.

/** One median of a run, or null where it was not measured. */
export const figure = (results, test, server, field) => results[test]?.[server]?.median?.[field] ?? null;

/** A ratio of two figures that may be missing. */
export const ratio = (a, b) => (a === null || b === null || b === 0 ? null : a / b);

/** A suite's goals, [what, at most, measure(results)], with what a run says: { what, goal, measured, verdict }. */
export function judge(goals, results) {
  return goals.map(([what, goal, measure]) => {
    const measured = measure(results);
    return {
      what,
      goal,
      measured,
      verdict: measured === null ? 'not measured' : measured <= goal ? 'reached' : 'missed',
    };
  });
}
