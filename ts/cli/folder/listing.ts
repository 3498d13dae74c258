import type { FolderEntry, StaticFolder } from '../../index.js';

/** More entries than this are not listed, so that one folder cannot take all memory. */
const MAX_ENTRIES = 2_000;

/** The page that lists a folder: what can be asked for and nothing else, folders first. */
export async function listing(folder: StaticFolder): Promise<string> {
  const entries: FolderEntry[] = [];
  let isCut = false;
  for await (const entry of folder.entries()) {
    isCut = entries.length === MAX_ENTRIES;
    if (isCut) break;
    entries.push(entry);
  }
  entries.sort((a, b) => Number(b.isFolder) - Number(a.isFolder) || (a.name < b.name ? -1 : 1));
  const { names } = folder;
  return page(`/${names.map((name) => `${name}/`).join('')}`, names.length > 0, entries, isCut);
}

function page(title: string, hasParent: boolean, entries: readonly FolderEntry[], isCut: boolean): string {
  const rows = entries.map(({ name, isFolder, size, modified }) => {
    const mark = isFolder ? '/' : '';
    const date = modified.toISOString().slice(0, 16).replace('T', ' ');
    // `./` keeps a name with a colon from being read as a scheme.
    const link = `<a href="./${encodeURIComponent(name)}${mark}">${escapeHtml(name)}${mark}</a>`;
    return `<tr><td>${link}<td class=n>${isFolder ? '' : sizeText(size)}<td class=n>${date}`;
  });
  if (hasParent) rows.unshift('<tr><td><a href="../">..</a><td><td>');
  const note = isCut ? `<p>Only ${MAX_ENTRIES} entries are shown.` : '';
  return `<!doctype html>
<html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>
:root { color-scheme: light dark }
body { font: 15px/1.6 system-ui, sans-serif; max-width: 56rem; margin: 3rem auto; padding: 0 1.5rem }
h1 { font-size: 1.1rem; font-weight: 600; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100% }
td { padding: .3rem .5rem; border-top: 1px solid #8883; overflow-wrap: anywhere }
.n { text-align: right; white-space: nowrap; opacity: .65; font-variant-numeric: tabular-nums }
a { color: #0a6f6a; text-decoration: none } a:hover { text-decoration: underline }
@media (prefers-color-scheme: dark) { a { color: #5cc8bf } }
</style>
<h1>${escapeHtml(title)}</h1>
<table>${rows.join('\n')}</table>${note}
`;
}

function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const step = Math.min(4, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** step).toFixed(1)} ${['KiB', 'MiB', 'GiB', 'TiB'][step - 1]}`;
}

/** Text that is safe between tags and in quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
