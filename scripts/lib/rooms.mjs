// The rooms of the main bundle: dist/rooms/core.js is read when the package is, the others when something in them is first
// used. What a program imports by name has to be there at once, so the modules of exported classes and constants are core,
// as is the way of a request through a server; of exported functions of other rooms a thin one stands for them.
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { PlainError } from './command.mjs';
import { inRoot } from './root.mjs';

export const CORE = 'core';

/** Which modules of ts/ are in which room; what is in none is core. */
const ROOMS = [
  ['client', /^client\/(?!(client|verbs|response|default)\.ts$)/],
  ['client', /^pool\/(?!pool\.ts$)/],
  [
    'net',
    /^net\/(agent-options|connect|dial|dial-failure|listen|relay|socket-duplex|bridge|tcp-info|keep-alive|abstract-name|start-tls)\.ts$/,
  ],
  ['net', /^proxy\//],
  ['net', /^dns\/(?!resolver\.ts$)/],
  ['tls', /^tls\/(?!(tls-context|tls-facts)\.ts$)/],
  ['proxy-server', /^proxy-server\/(?!proxy-server\.ts$)/],
  ['files', /^server\/(static|compression)\//],
  ['files', /^message\/(negotiate-encoding|http-date)\.ts$/],
  ['seldom', /^server\/(graceful-shutdown|rate-limit-store|token-buckets|client-key)\.ts$/],
  ['seldom', /^(message\/(multipart|file-body|open-file)|options\/nearest-name)\.ts$/],
  ['seldom', /^metrics\/(prom-registry|families|pack-lines)\.ts$/],
  ['seldom', /^resilience\/(circuit|retry|retry-after|backoff|pause)\.ts$/],
];

/** The room of a module, by its path in ts/. */
export const roomOf = (module) => ROOMS.find(([, pattern]) => pattern.test(module))?.[0] ?? CORE;

/** All rooms, the core first. */
export const rooms = () => [CORE, ...new Set(ROOMS.map(([room]) => room))];

/** The module that an import in ts/ means, by its path in ts/; undefined when it leads out of ts/. */
export function moduleOf(specifier, folder) {
  const path = relative(inRoot('ts'), join(folder, specifier.replace(/\.js$/, '.ts')));
  return path.startsWith('..') ? undefined : path.replaceAll('\\', '/');
}

/** What a module takes from others at run time: [module, name]. */
function taken(ts, module) {
  const path = inRoot('ts', module);
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest);
  const found = [];
  for (const statement of source.statements) {
    const { moduleSpecifier: from } = statement;
    if (from === undefined || !from.text.startsWith('.')) continue;
    const clause = ts.isImportDeclaration(statement) ? statement.importClause : statement;
    if (clause === undefined || clause.isTypeOnly) continue;
    const list = clause.namedBindings ?? clause.exportClause;
    const other = moduleOf(from.text, dirname(path));
    if (list?.elements === undefined) throw new PlainError(`ts/${module}: take names from ${from.text}, not all of it`);
    for (const each of list.elements) if (!each.isTypeOnly) found.push([other, (each.propertyName ?? each.name).text]);
  }
  return found;
}

/**
 * What each room has to give to others: room → Map of `module#name` → the name that it has among the room's exports.
 * `first` are names that the core exports to programs, which none of its other exports may have.
 */
export function given(ts, modules, first) {
  const all = new Map(rooms().map((room) => [room, new Map()]));
  const names = new Map(rooms().map((room) => [room, new Set(room === CORE ? first : [])]));
  for (const module of modules) {
    for (const [other, name] of taken(ts, module)) {
      const room = other === undefined ? undefined : roomOf(other);
      const key = `${other}#${name}`;
      if (room === undefined || room === roomOf(module) || all.get(room).has(key)) continue;
      const used = names.get(room);
      let alias = name;
      for (let count = 2; used.has(alias); count++) alias = `${name}_${count}`;
      used.add(alias);
      all.get(room).set(key, alias);
    }
  }
  return all;
}
