// Finds the fenced code of a Markdown text.

/** Every fence that names a language: [{ language, run, line, text }], `line` being that of its first line of code. */
export function snippets(markdown) {
  const found = [];
  let open = null;
  for (const [index, line] of markdown.split(/\r?\n/).entries()) {
    const fence = /^(\s*)(`{3,}|~{3,})\s*(.*)$/.exec(line);
    if (open) {
      if (fence && fence[2][0] === open.mark[0] && fence[2].length >= open.mark.length && fence[3] === '') {
        if (open.language)
          found.push({ language: open.language, run: open.run, line: open.line, text: `${open.lines.join('\n')}\n` });
        open = null;
      } else {
        // Code in a list item is indented with it.
        open.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line.trimStart());
      }
    } else if (fence) {
      const [language = '', ...words] = fence[3].trim().split(/\s+/);
      open = {
        mark: fence[2],
        indent: fence[1],
        language: language.toLowerCase(),
        run: words.includes('run'),
        line: index + 2,
        lines: [],
      };
    }
  }
  return found;
}
