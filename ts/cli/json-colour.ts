const COLOURS = { key: 34, string: 32, number: 36, word: 35 } as const;
const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b/g;

/** JSON, indented and coloured for a terminal; other text as it is. Control characters of the network never get through. */
export function inColour(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '\ufffd');
  }
  return JSON.stringify(value, null, 2).replace(
    TOKEN,
    (token, string: string | undefined, colon: string | undefined) => {
      if (colon !== undefined) return `${painted(string ?? '', COLOURS.key)}${colon}`;
      if (string !== undefined) return painted(token, COLOURS.string);
      return painted(token, /^[tfn]/.test(token) ? COLOURS.word : COLOURS.number);
    },
  );
}

function painted(text: string, colour: number): string {
  // JSON.stringify leaves U+007F to U+009F as they are.
  return `\x1b[${colour}m${text.replace(/[\x7f-\x9f]/g, '\ufffd')}\x1b[0m`;
}
