// Results as rows of text, the same for the terminal and for the page.

const micros = (value) => (value < 100 ? value.toFixed(2) : value.toFixed(0));
const bytes = (value) => (Math.abs(value) < 10_240 ? `${Math.round(value)} B` : `${(value / 1024).toFixed(1)} KiB`);
const percent = (value) => `±${Math.round(value * 50)} %`;
const grouped = (value) => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ');
const ratioTo = (a, b) => (b > 0 ? (a / b).toFixed(2) : '–');

const ratios = (median, reference) => (field) => (reference ? ratioTo(median[field], reference[field]) : '–');

// Each kind of case: what its columns are called, and how a server's outcome fills them beside that of the reference.
const KINDS = {
  load: {
    header: ['user µs', 'system µs', 'user + system µs', 'ratio', 'user ratio', 'spread', 'req/s', 'busy'],
    cells({ median, spread }, reference) {
      const ratio = ratios(median, reference);
      return [
        micros(median.user),
        micros(median.system),
        micros(median.total),
        ratio('total'),
        ratio('user'),
        percent(spread),
        grouped(median.rate),
        `${Math.round(median.busy * 100)} %`,
      ];
    },
  },
  volume: {
    header: ['user ms/GB', 'system ms/GB', 'user + system ms/GB', 'ratio', 'spread', 'MB/s', 'busy'],
    cells({ median, spread }, reference) {
      return [
        micros(median.user),
        micros(median.system),
        micros(median.total),
        ratios(median, reference)('total'),
        percent(spread),
        grouped(median.rate),
        `${Math.round(median.busy * 100)} %`,
      ];
    },
  },
  idle: {
    header: ['opened', 'ratio', 'after a request', 'ratio', 'whole process before'],
    cells({ median }, reference) {
      const ratio = ratios(median, reference);
      return [
        bytes(median.opened),
        ratio('opened'),
        bytes(median.answered),
        ratio('answered'),
        `${(median.base / (1 << 20)).toFixed(1)} MiB`,
      ];
    },
  },
};

/** One case of a kind: { header, rows, notes }; `titles` gives the servers' names in order, `reference` is one of them. */
export function caseRows(outcome, titles, { kind, reference }) {
  const { header, cells } = KINDS[kind];
  const base = outcome[reference]?.median ?? null;
  const rows = [];
  const notes = [];
  for (const [name, title] of titles) {
    const entry = outcome[name];
    if (!entry) continue;
    if (entry.median) rows.push([title, ...cells(entry, base)]);
    else rows.push([title, 'failed', ...Array(header.length - 1).fill('')]);
    for (const problem of entry.problems) notes.push(`${title}: ${problem}`);
  }
  return { header: ['server', ...header], rows, notes };
}

/** The goals as rows. */
export const goalRows = (goals) => ({
  header: ['goal', 'at most', 'measured', ''],
  rows: goals.map(({ what, goal, measured, verdict }) => [what, goal.toFixed(2), measured?.toFixed(2) ?? '–', verdict]),
});

/** A table for the terminal. */
export function forTerminal({ header, rows }) {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  const line = (row) =>
    row
      .map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join('  ')
      .trimEnd();
  return [line(header), ...rows.map(line)].join('\n');
}

/** A table for Markdown. */
export function forMarkdown({ header, rows }) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_, i) => (i ? '---:' : '---'))), ...rows.map(line)].join('\n');
}
