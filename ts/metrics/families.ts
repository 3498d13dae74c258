import { COUNTERS, GAUGES, HISTOGRAMS } from './catalogue.generated.js';
import type { MetricRow } from './catalogue.generated.js';

/** What kind of number a family has. */
export type FamilyType = 'counter' | 'gauge' | 'histogram';

/** One series of a family: its label, and its place in the catalogue's list of the family's type. */
export interface Series {
  readonly index: number;
  readonly label: readonly [name: string, value: string] | null;
}

/** All series of one name. */
export interface Family {
  readonly name: string;
  readonly type: FamilyType;
  readonly help: string;
  readonly unit: 'seconds' | 'bytes' | null;
  readonly series: readonly Series[];
}

function familiesOf(type: FamilyType, rows: readonly MetricRow<string>[]): Family[] {
  const families = new Map<string, Family & { series: Series[] }>();
  rows.forEach(({ name, help, unit, label }, index) => {
    const family = families.get(name);
    if (family === undefined) families.set(name, { name, type, help, unit, series: [{ index, label }] });
    else family.series.push({ index, label });
  });
  return [...families.values()];
}

/** Every family of the catalogue, in its order. */
export const FAMILIES: readonly Family[] = [
  ...familiesOf('counter', COUNTERS),
  ...familiesOf('gauge', GAUGES),
  ...familiesOf('histogram', HISTOGRAMS),
];
