// ts/options/*.json → a typed table and public interfaces each, and the docs page of all of them.
const SCALARS = {
  any: 'unknown',
  integer: 'number',
  number: 'number',
  boolean: 'boolean',
  string: 'string',
  signal: 'AbortSignal',
  function: 'AnyFunction',
  functions: 'readonly AnyFunction[]',
  switch: 'boolean | AnyFunction',
  strings: 'readonly string[]',
  objects: 'readonly object[]',
  settings: 'boolean | object',
  route: 'string | object',
  credentials: 'object | AnyFunction',
  object: 'object',
  service: 'object | AnyFunction',
  list: 'readonly string[]',
  material: 'Material | readonly Material[]',
  responses: 'Material | readonly Material[] | AnyFunction',
};

const isNumber = ({ type }) => type === 'integer' || type === 'number';

function checked(data) {
  const groups = data.groups.map((group) => group.name);
  const names = new Set();
  for (const option of data.options) {
    const where = `options of ${data.owner}: ${option.name}`;
    if (names.has(option.name)) throw new Error(`${where}: the name is used twice`);
    if (!groups.includes(option.group)) throw new Error(`${where}: unknown group ${option.group}`);
    if (!(option.type in SCALARS) && option.type !== 'enum') throw new Error(`${where}: unknown type ${option.type}`);
    if (!option.doc || !option.source) throw new Error(`${where}: a row needs doc and source`);
    if (!('default' in option)) throw new Error(`${where}: a row needs a default`);
    if (isNumber(option)) {
      const { type, min, max, default: value } = option;
      const fits = type === 'integer' ? Number.isSafeInteger : Number.isFinite;
      if (!fits(min) || !fits(max) || min > max) throw new Error(`${where}: no range`);
      if (value !== null && (value < min || value > max)) throw new Error(`${where}: the default is out of range`);
    }
    if (option.type === 'enum' && option.default !== null && !option.values.includes(option.default))
      throw new Error(`${where}: no such default`);
    names.add(option.name);
  }
  for (const name of [...data.required, ...data.exclusive].flat()) {
    if (!names.has(name)) throw new Error(`options of ${data.owner}: no option is called ${name}`);
  }
  return data;
}

const typeOf = (option) => (option.type === 'enum' ? option.values.map(literal).join(' | ') : SCALARS[option.type]);
const literal = (value) =>
  Array.isArray(value)
    ? `[${value.map(literal).join(', ')}]`
    : typeof value === 'string'
      ? `'${value}'`
      : typeof value === 'number'
        ? grouped(value)
        : String(value);
const grouped = (number) => String(number).replace(/(?<!\..*)\B(?=(\d{3})+$)/g, '_');
const lists = (value) => `[${value.map((names) => `[${names.map(literal).join(', ')}]`).join(', ')}]`;
// What an option is when it was not given: a limit's null means "no limit", the null of others "not given".
const complete = (option) =>
  option.type === 'any' ? 'unknown' : `${typeOf(option)}${option.default === null || option.nullable ? ' | null' : ''}`;

function rangeOf({ type, min, max, values, nullable }) {
  if (isNumber({ type })) return `${min}…${max}${nullable ? ' or null' : ''}`;
  if (type === 'enum') return values.join(', ');
  return '';
}

function defaultOf({ default: value, nullable }) {
  if (value === null) return nullable ? 'null: no limit' : '';
  return Array.isArray(value) ? value.join(', ') : String(value);
}

// The lines of a doc comment at this indentation, wrapped at 120 columns.
function comment(text, indent) {
  const words = text.split(' ');
  const rows = [];
  for (const word of words) {
    const row = rows.at(-1);
    if (row !== undefined && indent.length + 3 + row.length + 1 + word.length <= 120)
      rows[rows.length - 1] = `${row} ${word}`;
    else rows.push(word);
  }
  const single = `${indent}/** ${text} */`;
  if (single.length <= 120) return single;
  return `${indent}/**\n${rows.map((row) => `${indent} * ${row}`).join('\n')}\n${indent} */`;
}

function interfaceOf(group, options) {
  const member = (option) => {
    const facts = [
      isNumber(option) && rangeOf(option),
      option.unit,
      defaultOf(option) && `default ${defaultOf(option)}`,
    ];
    const note = facts.filter(Boolean).join(', ');
    const type = `${typeOf(option)}${option.nullable ? ' | null' : ''}`;
    return `${comment(`${option.doc}${note ? ` (${note})` : ''}`, '  ')}\n  ${option.name}?: ${type} | undefined;`;
  };
  return `${comment(group.about, '')}
export interface ${group.name} {
${options.map(member).join('\n')}
}`;
}

const canReload = (data, option) => data.groups.find((group) => group.name === option.group).reloadable === true;

function rowOf(option, reloadable) {
  const fields = [`name: '${option.name}'`, `type: '${option.type}'`];
  if (isNumber(option)) fields.push(`min: ${literal(option.min)}`, `max: ${literal(option.max)}`);
  if (isNumber(option) && option.nullable) fields.push('nullable: true');
  if (option.values) fields.push(`values: [${option.values.map(literal).join(', ')}]`);
  fields.push(`default: ${literal(option.default)}`);
  if (reloadable) fields.push('reloadable: true');
  const line = `    { ${fields.join(', ')} },`;
  return line.length <= 120 ? line : `    {\n${fields.map((field) => `      ${field},`).join('\n')}\n    },`;
}

function typescript(data, file) {
  const of = (group) => data.options.filter((option) => option.group === group.name);
  const types = ['OptionTable'];
  if (data.options.some((option) => /^(function|functions|responses|service|switch)$/.test(option.type)))
    types.unshift('AnyFunction');
  if (data.options.some((option) => /^(material|responses)$/.test(option.type))) types.unshift('Material');
  const written = data.groups.filter((group) => !group.written).map((group) => interfaceOf(group, of(group)));
  return `// Made by scripts/generate.mjs from ${file}. Do not edit.
import type { ${types.sort().join(', ')} } from './table.js';

${written.length ? `${written.join('\n\n')}\n\n` : ''}/** All options of \`${data.owner}\` with their defaults filled in. */
export interface ${data.values} {
${data.options.map((option) => `  readonly ${option.name}: ${complete(option)};`).join('\n')}
}

export const ${data.table}: OptionTable<${data.values}> = {
  owner: '${data.owner}',
  required: ${lists(data.required)},
  exclusive: ${lists(data.exclusive)},
  rows: [
${data.options.map((option) => rowOf(option, canReload(data, option))).join('\n')}
  ],
};
`;
}

function docs(data, heading) {
  const row = (option) =>
    `| \`${option.name}\` | ${option.type} | ${rangeOf(option)} | ${option.unit ?? ''} | ${defaultOf(option)} | ${option.doc} | ${option.source} |`;
  const section = (group) => `${heading}# ${group.title}

${group.about}

| option | type | range | unit | default | meaning | source |
| --- | --- | --- | --- | --- | --- | --- |
${data.options
  .filter((option) => option.group === group.name)
  .map(row)
  .join('\n')}
`;
  const names = (list) => list.map((name) => `\`${name}\``);
  const rules = [
    ...data.required.map((list) => `- One of ${names(list).join(', ')} must be given.`),
    ...data.exclusive.map((list) => `- ${names(list).join(' and ')} exclude each other.`),
  ];
  return `${heading} Options of \`${data.owner}\`

${data.intro ? `${data.intro}\n\n` : ''}${rules.length ? `${rules.join('\n')}\n\n` : ''}${data.groups.map(section).join('\n')}`;
}

export const sources = [
  'ts/options/server.json',
  'ts/options/tls-server.json',
  'ts/options/tls-client.json',
  'ts/options/connect.json',
  'ts/options/connect-timeouts.json',
  'ts/options/listen.json',
  'ts/options/relay.json',
  'ts/options/proxy-server.json',
  'ts/options/resolver.json',
  'ts/options/retry.json',
  'ts/options/retry-budget.json',
  'ts/options/circuit-breaker.json',
  'ts/options/reconnect.json',
  'ts/options/client.json',
  'ts/options/request.json',
  'ts/options/timeouts.json',
  'ts/options/pool.json',
  'ts/options/http-agent.json',
  'ts/options/https-agent.json',
];
export function generate(...tables) {
  const files = {};
  const pages = [];
  for (const [place, data] of tables.entries()) {
    const model = checked(data);
    files[sources[place].replace('.json', '.generated.ts')] = typescript(model, sources[place]);
    pages.push(docs(model, place === 0 ? '#' : '##'));
  }
  files['docs/options.md'] =
    `<!-- Made by scripts/generate.mjs from ts/options/*.json. Do not edit. -->\n${pages.join('\n')}`;
  return files;
}
