// codes.json → the Rust enum, the TypeScript table and the docs page.
const KINDS = ['protocol', 'limit', 'misuse', 'system', 'timeout', 'closed', 'bug'];
const CATEGORIES = ['network', 'protocol', 'application', 'timeout', 'resource'];
const PREFIX = 'MILLRACE_';

const camel = (name) =>
  name
    .toLowerCase()
    .split('_')
    .map((word) => word[0].toUpperCase() + word.slice(1))
    .join('');

function checked(codes) {
  const ids = new Set();
  const names = new Set();
  for (const code of codes) {
    const where = `codes.json: ${code.name}`;
    if (!Number.isInteger(code.id) || code.id < 1 || code.id > 65535) throw new Error(`${where}: id must be 1…65535`);
    if (ids.has(code.id)) throw new Error(`${where}: id ${code.id} is used twice`);
    if (names.has(code.name)) throw new Error(`${where}: the name is used twice`);
    if (!KINDS.includes(code.kind)) throw new Error(`${where}: unknown kind ${code.kind}`);
    if (!CATEGORIES.includes(code.category)) throw new Error(`${where}: unknown category ${code.category}`);
    ids.add(code.id);
    names.add(code.name);
  }
  return codes;
}

function rust(codes) {
  const arms = (value) => codes.map((c) => `            Self::${camel(c.name)} => ${value(c)},`).join('\n');
  return `//! Made by scripts/generate.mjs from codes.json. Do not edit.
use crate::Kind;

/// Every error that millrace reports. The number of a code is stable and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Code {
${codes.map((c) => `    /// ${c.text[0].toUpperCase() + c.text.slice(1)}.\n    ${camel(c.name)} = ${c.id},`).join('\n')}
}

impl Code {
    /// All codes, in the order of their numbers.
    pub const ALL: &'static [Self] = &[
${codes.map((c) => `        Self::${camel(c.name)},`).join('\n')}
    ];

    /// The stable number.
    pub const fn id(self) -> u16 {
        self as u16
    }

    /// The code with this number.
    pub fn from_id(id: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.id() == id)
    }

    /// The stable name, as JavaScript sees it.
    pub const fn as_str(self) -> &'static str {
        match self {
${arms((c) => JSON.stringify(PREFIX + c.name))}
        }
    }

    /// What happened, in words. Not stable.
    pub const fn text(self) -> &'static str {
        match self {
${arms((c) => JSON.stringify(c.text))}
        }
    }

    /// Whose fault it is.
    pub const fn kind(self) -> Kind {
        match self {
${arms((c) => `Kind::${camel(c.kind)}`)}
        }
    }

    /// The HTTP status that a peer is answered with, where an answer is possible.
    pub const fn status(self) -> Option<u16> {
        match self {
${arms((c) => (c.status ? `Some(${c.status})` : 'None'))}
        }
    }
}
`;
}

function typescript(codes) {
  const row = (c) =>
    `  [${c.id}, '${PREFIX}${c.name}', '${c.kind}', '${c.category}', ${Boolean(c.retryable)}, ${c.status ?? 'null'}, ${
      c.phase ? `'${c.phase}'` : 'null'
    }, ${c.option ? `'${c.option}'` : 'null'}, ${JSON.stringify(c.text)}],`;
  const phases = [...new Set(codes.map((c) => c.phase).filter(Boolean))];
  return `// Made by scripts/generate.mjs from crates/error/codes.json. Do not edit.

/** Every code that a MillraceError can carry. Codes are promises; a code is never reused. */
export type ErrorCode =
${codes.map((c) => `  | '${PREFIX}${c.name}'`).join('\n')};

export type ErrorKind = ${KINDS.map((k) => `'${k}'`).join(' | ')};
export type ErrorCategory = ${CATEGORIES.map((k) => `'${k}'`).join(' | ')};
/** The phase of an operation that a timeout or failure belongs to. */
export type Phase = ${phases.map((k) => `'${k}'`).join(' | ')};

export type CodeRow = readonly [
  id: number,
  code: ErrorCode,
  kind: ErrorKind,
  category: ErrorCategory,
  retryable: boolean,
  status: number | null,
  phase: Phase | null,
  option: string | null,
  text: string,
];

export const CODES: readonly CodeRow[] = [
${codes.map(row).join('\n')}
];
`;
}

function docs(codes) {
  return `<!-- Made by scripts/generate.mjs from crates/error/codes.json. Do not edit. -->
# Error codes

Every error of millrace is a \`MillraceError\` with a stable \`code\`. Texts may change, codes do not, and a code is
never reused. \`kind\` says whose fault it is, \`category\` what sort of thing failed; *status* is what an HTTP peer is
answered with where an answer is possible.

| code | kind | category | retryable | status | meaning |
| --- | --- | --- | --- | --- | --- |
${codes
  .map(
    (c) =>
      `| \`${PREFIX}${c.name}\` | ${c.kind} | ${c.category} | ${c.retryable ? 'yes' : 'no'} | ${c.status ?? ''} | ${c.text} |`,
  )
  .join('\n')}
`;
}

export const source = 'crates/error/codes.json';
export function generate(data) {
  const codes = checked(data.codes);
  return {
    'crates/error/src/generated.rs': rust(codes),
    'ts/errors/codes.generated.ts': typescript(codes),
    'docs/errors.md': docs(codes),
  };
}
