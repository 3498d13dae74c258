// The goals of the HTTP/1.1 server, as ratios within one run, and whether a run reached them.

const value = (results, name, server, field) => results[name]?.[server]?.median?.[field] ?? null;
const ratio = (a, b) => (a === null || b === null || b === 0 ? null : a / b);
const toReference = (name, server, field) => (results) =>
  ratio(value(results, name, server, field), value(results, name, 'uwebsockets', field));

const GOALS = [
  ['plain, user time, async handler', 0.9, toReference('plain', 'ours-async', 'user')],
  ['plain, user + system, async handler', 1.0, toReference('plain', 'ours-async', 'total')],
  ['pipelined × 16, user + system, async handler', 0.75, toReference('pipelined', 'ours-async', 'total')],
  ['memory of an idle connection, opened', 0.5, toReference('idle', 'ours-async', 'opened')],
  ['memory of an idle connection, after a request', 0.5, toReference('idle', 'ours-async', 'answered')],
  ['plain, user + system, `fetch` handler', 1.15, toReference('plain', 'ours-fetch', 'total')],
  [
    'ours at 5 000 connections to ours at 64, user + system',
    1.2,
    (results) =>
      ratio(value(results, 'connections-5000', 'ours-async', 'total'), value(results, 'plain', 'ours-async', 'total')),
  ],
];

/** Each goal with what a run says: { what, goal, measured, verdict }. */
export function goals(results) {
  return GOALS.map(([what, goal, measure]) => {
    const measured = measure(results);
    return {
      what,
      goal,
      measured,
      verdict: measured === null ? 'not measured' : measured <= goal ? 'reached' : 'missed',
    };
  });
}
