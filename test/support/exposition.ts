/** One sample of a text in the format of Prometheus or OpenMetrics. */
export interface ExposedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One family, with its metadata in the order in which they stood. */
export interface ExposedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly unit: string | undefined;
  readonly samples: ExposedSample[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = `[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"`;
const NUMBER = '[+-]?(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:[eE][+-]?\\d+)?';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (${NUMBER}|[+-]Inf|NaN)$`);
const META = new RegExp(`^# (TYPE|HELP|UNIT) (${NAME}) (.+)$`);

/** What a sample's name may have behind that of its family. */
const SUFFIXES: Record<'prometheus' | 'openMetrics', Record<string, readonly string[]>> = {
  prometheus: { counter: [''], gauge: [''], histogram: ['_bucket', '_sum', '_count'] },
  openMetrics: { counter: ['_total'], gauge: [''], histogram: ['_bucket', '_sum', '_count'] },
};

/**
 * Reads a text by the grammar of its format, stricter than a scraper: every line must be a sample, or metadata that
 * stand before the family's first sample, once; families may not mix; histograms must be whole and rising.
 */
export function parseExposition(text: string, format: 'prometheus' | 'openMetrics'): Map<string, ExposedFamily> {
  const fail = (what: string, line: string): never => {
    throw new Error(`${what}: ${JSON.stringify(line)}`);
  };
  if (!text.endsWith('\n')) fail('the text must end with a line feed', text.slice(-40));
  const lines = text.slice(0, -1).split('\n');
  if (format === 'openMetrics' && lines.pop() !== '# EOF') fail('the text must end with # EOF', text.slice(-40));

  const families = new Map<string, ExposedFamily & { type: string; help: string; unit: string | undefined }>();
  const seen = new Set<string>();
  let current: (ExposedFamily & { type: string; help: string; unit: string | undefined }) | undefined;
  for (const line of lines) {
    const meta = META.exec(line);
    if (meta !== null) {
      const [, kind, name, value] = meta;
      if (current?.name !== name) {
        if (families.has(name)) fail('a family may stand in one place only', line);
        current = { name, type: '', help: '', unit: undefined, samples: [] };
        families.set(name, current);
      }
      if (current.samples.length > 0) fail('metadata stand before the samples', line);
      const key = kind.toLowerCase() as 'type' | 'help' | 'unit';
      if (current[key] !== '' && current[key] !== undefined) fail('metadata stand once', line);
      if (key === 'unit' && format === 'prometheus') fail('this format has no UNIT', line);
      current[key] = value;
      continue;
    }
    const sample = SAMPLE.exec(line);
    if (sample === null || current === undefined) return fail('neither a sample nor metadata', line);
    const [, name, labelText = '', number] = sample;
    const suffixes = SUFFIXES[format][current.type] ?? fail('unknown type', line);
    if (!suffixes.some((suffix) => name === current?.name + suffix)) fail('a sample of another family', line);
    if (seen.has(`${name}{${labelText}}`)) fail('a series twice', line);
    seen.add(`${name}{${labelText}}`);
    const labels = Object.fromEntries(
      (labelText.match(new RegExp(LABEL, 'g')) ?? []).map((pair) => {
        const [, key, value] = /^([^=]+)="(.*)"$/.exec(pair) as unknown as [string, string, string];
        return [key, value];
      }),
    );
    current.samples.push({ name, labels, value: Number(number.replace('Inf', 'Infinity')) });
  }
  for (const family of families.values()) checkFamily(family, format);
  return families;
}

function checkFamily({ name, type, help, unit, samples }: ExposedFamily, format: 'prometheus' | 'openMetrics'): void {
  if (type === '' || help === '') throw new Error(`${name} lacks TYPE or HELP`);
  if (format === 'openMetrics' && name.endsWith('_total')) throw new Error(`${name}: no family ends in _total`);
  if (format === 'prometheus' && (type === 'counter') !== name.endsWith('_total'))
    throw new Error(`${name} is a ${type}`);
  if (unit !== undefined && !name.endsWith(`_${unit}`)) throw new Error(`${name} does not end in its unit ${unit}`);
  if (samples.length === 0) throw new Error(`${name} has no sample`);
  if (type === 'counter' && samples.some(({ value }) => !(value >= 0))) throw new Error(`${name} is below zero`);
  if (type !== 'histogram') return;
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
  const bounds = buckets.map(({ labels }) => (labels.le === '+Inf' ? Infinity : Number(labels.le)));
  const rises = (numbers: number[], atLeast: boolean): boolean =>
    numbers.every((number, at) => at === 0 || (atLeast ? number >= numbers[at - 1] : number > numbers[at - 1]));
  if (!rises(bounds, false) || bounds.at(-1) !== Infinity) throw new Error(`${name}: bounds must rise to +Inf`);
  if (
    !rises(
      buckets.map(({ value }) => value),
      true,
    )
  )
    throw new Error(`${name}: buckets must not fall`);
  const count = samples.find((sample) => sample.name === `${name}_count`)?.value;
  if (count !== buckets.at(-1)?.value) throw new Error(`${name}: the count must be that of +Inf`);
  if (!samples.some((sample) => sample.name === `${name}_sum`)) throw new Error(`${name} has no sum`);
}
