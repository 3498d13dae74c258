// The few sums that a benchmark needs.

/** The middle of some numbers, or null when there are none. */
export function median(values) {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The field-by-field median of objects that hold numbers under the named fields. */
export const medians = (rows, fields) =>
  Object.fromEntries(fields.map((field) => [field, median(rows.map((row) => row[field]))]));

/** The distance from least to greatest, as a share of the median. */
export function spread(values) {
  const middle = median(values);
  return middle ? (Math.max(...values) - Math.min(...values)) / middle : 0;
}
