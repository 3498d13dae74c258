// catalogue.json → the Rust enums and fill layout, the TypeScript table and the docs page.
const PREFIX = 'millrace_';
const UNITS = ['seconds', 'bytes'];

const camel = (text) =>
  text
    .split('_')
    .map((word) => word[0].toUpperCase() + word.slice(1))
    .join('');
const stem = (name) => name.replace(/_total$|_seconds$/, '');

// One entry per time series: a family with a label becomes as many as the label has values.
function series(families) {
  return families.flatMap((family) =>
    (family.values ?? [null]).map((value) => ({
      ...family,
      full: PREFIX + family.name,
      value,
      variant: camel(stem(family.name)) + (value === null ? '' : camel(value)),
    })),
  );
}

function checked(data) {
  const names = new Set();
  for (const [kind, families] of Object.entries({
    counter: data.counters,
    gauge: data.gauges,
    histogram: data.histograms,
  })) {
    for (const family of families) {
      const where = `catalogue.json: ${family.name}`;
      if (!/^[a-z][a-z0-9_]*$/.test(family.name)) throw new Error(`${where}: the name is not snake_case`);
      // OpenMetrics and StatsD know a counter by its name without the suffix.
      const name = family.name.replace(/_total$/, '');
      if (names.has(name)) throw new Error(`${where}: the name is used twice`);
      if ((kind === 'counter') !== family.name.endsWith('_total'))
        throw new Error(`${where}: counters and only they end in _total`);
      if (kind === 'histogram' && !family.name.endsWith('_seconds'))
        throw new Error(`${where}: a histogram ends in _seconds`);
      if (family.unit && !UNITS.includes(family.unit)) throw new Error(`${where}: unknown unit ${family.unit}`);
      if (family.unit && !name.endsWith(`_${family.unit}`)) throw new Error(`${where}: the name does not say its unit`);
      if (Boolean(family.label) !== Boolean(family.values))
        throw new Error(`${where}: a label needs values, and values a label`);
      if (!family.help || /[\n\\'"|]/.test(family.help))
        throw new Error(`${where}: help must be one line without quotes, bars and backslashes`);
      names.add(name);
    }
  }
  if (data.boundsNanos.some((bound, i) => i > 0 && bound <= data.boundsNanos[i - 1]))
    throw new Error('catalogue.json: bounds must rise');
  return {
    families: data,
    counters: series(data.counters),
    gauges: series(data.gauges),
    histograms: series(data.histograms),
    percentiles: data.percentiles,
    bounds: data.boundsNanos,
  };
}

// The layout of the numbers: counters, gauges, then per histogram four facts, the percentiles and the bounds.
function layout({ counters, gauges, histograms, percentiles, bounds }) {
  const stride = 4 + percentiles.length + bounds.length;
  const first = counters.length + gauges.length;
  return { gauges: counters.length, histograms: first, stride, length: first + histograms.length * stride };
}

const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, '_');

function rustEnum(name, about, rows, families) {
  const arms = (value) => rows.map((row) => `            Self::${row.variant} => ${value(row)},`).join('\n');
  const doc = (row) => `${row.help}${row.value === null ? '' : ` (\`${row.label}="${row.value}"\`)`}`;
  const optional = (present, value) => {
    const some = rows.filter(present);
    if (some.length === 0) return '        None';
    const tail = some.length < rows.length ? '\n            _ => None,' : '';
    return `        match self {
${some.map((row) => `            Self::${row.variant} => Some(${value(row)}),`).join('\n')}${tail}
        }`;
  };
  const labels = optional(
    (row) => row.value !== null,
    (row) => `(${JSON.stringify(row.label)}, ${JSON.stringify(row.value)})`,
  );
  // Two series may share a unit: one arm for each unit.
  const units = UNITS.map((unit) => [unit, rows.filter((row) => row.unit === unit)]).filter(
    ([, having]) => having.length > 0,
  );
  const covered = units.reduce((sum, [, having]) => sum + having.length, 0);
  const unitArms = units.map(
    ([unit, having]) =>
      `            ${having.map((row) => `Self::${row.variant}`).join(' | ')} => Some(${JSON.stringify(unit)}),`,
  );
  if (covered < rows.length) unitArms.push('            _ => None,');
  const unitBody = covered === 0 ? '        None' : `        match self {\n${unitArms.join('\n')}\n        }`;
  const labelled = families.filter((family) => family.values);
  const lists = labelled.map((family) => {
    const members = rows.filter((row) => row.name === family.name);
    return `    /// The series of \`${PREFIX}${family.name}\`, in the order of its label \`${family.label}\`: ${family.values.join(', ')}.
    pub const ${stem(family.name).toUpperCase()}: [Self; ${members.length}] = [
${members.map((row) => `        Self::${row.variant},`).join('\n')}
    ];
`;
  });
  return `/// ${about}
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ${name} {
${rows.map((row) => `    /// ${doc(row)}.\n    ${row.variant},`).join('\n')}
}

impl ${name} {
    /// How many there are.
    pub const COUNT: usize = ${rows.length};

    /// All of them, in the order of the catalogue.
    pub const ALL: [Self; Self::COUNT] = [
${rows.map((row) => `        Self::${row.variant},`).join('\n')}
    ];

${lists.join('\n')}
    /// The name of the family, as Prometheus sees it.
    pub const fn name(self) -> &'static str {
        match self {
${arms((row) => JSON.stringify(row.full))}
        }
    }

    /// What it counts, in one line.
    pub const fn help(self) -> &'static str {
        match self {
${arms((row) => JSON.stringify(row.help))}
        }
    }

    /// The label that tells this series from the others of its family, and its value.
    pub const fn label(self) -> Option<(&'static str, &'static str)> {
${labels}
    }

    /// The base unit, where there is one.
    pub const fn unit(self) -> Option<&'static str> {
${unitBody}
    }
}
`;
}

function rust(model) {
  const { families, counters, gauges, histograms, percentiles, bounds } = model;
  const { length, stride } = layout(model);
  return `//! Made by scripts/generate.mjs from catalogue.json. Do not edit.

${rustEnum('Counter', 'A number that only grows.', counters, families.counters)}
${rustEnum('Gauge', 'A number that goes up and down.', gauges, families.gauges)}
${rustEnum('Histogram', 'A distribution of durations, recorded in nanoseconds.', histograms, families.histograms)}
/// The percentiles that [\`crate::fill\`] writes.
pub const PERCENTILES: [f64; ${percentiles.length}] = [${percentiles.map((p) => p.percent.toFixed(1)).join(', ')}];

/// The upper bounds, in nanoseconds, of the cumulative counts that [\`crate::fill\`] writes.
pub const BOUNDS_NANOS: [u64; ${bounds.length}] = [
${bounds.map((bound) => `    ${grouped(bound)},`).join('\n')}
];

/// How many numbers one histogram takes in the layout of [\`crate::fill\`].
pub const HISTOGRAM_LEN: usize = ${stride};

/// How many numbers [\`crate::fill\`] writes.
pub const FILL_LEN: usize = ${length};
`;
}

function typescript(model) {
  const { counters, gauges, histograms, percentiles, bounds } = model;
  const places = layout(model);
  const key = (row) => (row.value === null ? row.full : `${row.full}{${row.label}="${row.value}"}`);
  const union = (rows) => rows.map((row) => `  | '${key(row)}'`).join('\n');
  const table = (rows) =>
    rows
      .map(
        (row) => `  {
    key: '${key(row)}',
    name: '${row.full}',
    label: ${row.value === null ? 'null' : `['${row.label}', '${row.value}']`},
    unit: ${row.unit ? `'${row.unit}'` : 'null'},
    help: '${row.help}',
  },`,
      )
      .join('\n');
  return `// Made by scripts/generate.mjs from crates/metrics/catalogue.json. Do not edit.

export type CounterName =
${union(counters)};

export type GaugeName =
${union(gauges)};

export type HistogramName =
${union(histograms)};

export interface MetricRow<Key extends string> {
  /** The name of the series: the family's name and its label. */
  readonly key: Key;
  readonly name: string;
  readonly label: readonly [name: string, value: string] | null;
  readonly unit: 'seconds' | 'bytes' | null;
  readonly help: string;
}

export const COUNTERS: readonly MetricRow<CounterName>[] = [
${table(counters)}
];

export const GAUGES: readonly MetricRow<GaugeName>[] = [
${table(gauges)}
];

export const HISTOGRAMS: readonly MetricRow<HistogramName>[] = [
${table(histograms)}
];

export type PercentileName = ${percentiles.map((p) => `'${p.name}'`).join(' | ')};

/** The percentiles of a histogram, in the order of the layout. */
export const PERCENTILES: readonly PercentileName[] = [${percentiles.map((p) => `'${p.name}'`).join(', ')}];

/** The upper bounds, in nanoseconds, of the cumulative counts of a histogram. */
export const BOUNDS_NANOS: readonly number[] = [
${bounds.map((bound) => `  ${grouped(bound)},`).join('\n')}
];

/**
 * Where the numbers lie that Rust writes: counters from 0, gauges, then per histogram count, sum, min and max (ns),
 * the percentiles (ns) and the cumulative counts.
 */
export const LAYOUT = {
  gauges: ${places.gauges},
  histograms: ${places.histograms},
  histogramLength: ${places.stride},
  length: ${places.length},
} as const;
`;
}

function docs({ families, percentiles, bounds }) {
  const row = (family) =>
    `| \`${PREFIX}${family.name}\` | ${family.area} | ${family.label ? `\`${family.label}\`: ${family.values.join(', ')}` : ''} | ${
      family.unit ?? ''
    } | ${family.help} | ${family.otel ? `\`${family.otel}\`` : ''} |`;
  const section = (title, about, rows) => `## ${title}

${about}

| name | area | labels | unit | meaning | OpenTelemetry |
| --- | --- | --- | --- | --- | --- |
${rows.map(row).join('\n')}
`;
  return `<!-- Made by scripts/generate.mjs from crates/metrics/catalogue.json. Do not edit. -->
# Metrics

Metrics are kept by the native core for the whole process: every worker thread writes its own numbers, and reading adds
them up without stopping a writer. [logging-and-metrics.md](logging-and-metrics.md#metrics) says how they are read.

Names follow Prometheus: a counter ends in \`_total\`, a unit is part of the name, and seconds and bytes are the units. The
values of a label are those listed here and no others, so the number of series is fixed: no client can add one. StatsD has
the name without \`millrace_\` and \`_total\`, behind its prefix; OpenMetrics names a counter's family without \`_total\`.

The last column has the name that OpenTelemetry's semantic conventions have for the same thing, with the attributes
that single it out. Empty: they have none. Ours carry no attributes of a request (\`http.request.method\`, \`http.route\`),
since those are bounded by nobody; a metric of such detail is made in a middleware.

${section('Counters', 'A counter only grows. A thread that has ended keeps its counts.', families.counters)}
${section('Gauges', 'A gauge is what is there now; what an ended thread held is gone with it.', families.gauges)}
${section(
  'Histograms',
  `Durations, kept log-linear with a relative error of at most 1 %. A snapshot shows count, sum, min, max, mean,
${percentiles.map((p) => p.name).join(', ')} and cumulative buckets, in seconds; \`metrics.percentile()\` any other percentile. The
buckets, Prometheus' among them, are at
${bounds.map((bound) => bound / 1e9).join(', ')} seconds.`,
  families.histograms,
)}`;
}

export const source = 'crates/metrics/catalogue.json';
export function generate(data) {
  const model = checked(data);
  return {
    'crates/metrics/src/generated.rs': rust(model),
    'ts/metrics/catalogue.generated.ts': typescript(model),
    'docs/metrics.md': docs(model),
  };
}
