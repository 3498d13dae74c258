// Parts of rows that many attacks share.

/** Bound by one timeout of the server's, the attackers being gone `after` it: in the short form, and in the full one. */
export const boundBy = (timeout, short, full, after = 0) => ({
  options: { [timeout]: short },
  full: { options: { [timeout]: full }, within: full + after },
  bound: timeout,
  within: short + after,
});

/** How many connections in the short form, and in the full one, each of which does `act` as soon as it is open. */
export const each = (short, full, act, how) => ({
  size: { short, full },
  run: (crowd, n) => crowd.open(n, act, how),
});
