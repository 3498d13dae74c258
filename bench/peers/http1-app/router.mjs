// A plain router for the programs that have none: routes by method and number of names, tried in their order.

/** What finds { handle, params } for a method and a path, or null; `routes`: [method, '/a/:name', handle]. */
export function router(routes) {
  const table = new Map();
  for (const [method, pattern, handle] of routes) {
    const names = pattern.slice(1).split('/');
    const key = `${method} ${names.length}`;
    if (!table.has(key)) table.set(key, []);
    table.get(key).push({ names, handle });
  }
  return (method, path) => {
    const given = path.slice(1).split('/');
    for (const { names, handle } of table.get(`${method} ${given.length}`) ?? []) {
      const params = match(names, given);
      if (params !== null) return { handle, params };
    }
    return null;
  };
}

function match(names, given) {
  const params = {};
  for (let i = 0; i < names.length; i++) {
    if (names[i][0] === ':')
      params[names[i].slice(1)] = given[i].includes('%') ? decodeURIComponent(given[i]) : given[i];
    else if (names[i] !== given[i]) return null;
  }
  return params;
}
