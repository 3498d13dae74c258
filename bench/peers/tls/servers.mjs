// The servers that are compared, and the dialogue that each must pass.
import { ask } from '../ask.mjs';
import { missing } from '../millrace.mjs';
import { nginxVersion, startNginx } from '../nginx.mjs';
import { startProgram } from '../program.mjs';
import { haproxyVersion, startHaproxy } from './haproxy.mjs';
import { certificate, SUITE, TEXT, VERSION } from './material.mjs';

/** The server that the others are compared with. */
export const REFERENCE = 'node-https';

const absent = (name, version) => () => (version() === null ? `it is not on PATH: apt-get install ${name}` : null);

/** In the order of the tables: [name, what the tables call it, why it cannot be measured]. */
const LIST = [
  ['node-https', 'node:https', () => null],
  ['nginx', 'nginx, one worker', absent('nginx', nginxVersion)],
  ['haproxy', 'haproxy, one thread', absent('haproxy', haproxyVersion)],
  ['ours', 'millrace', missing],
];

/** Every server: { name, title, unavailable }. */
export const servers = () => LIST.map(([name, title, why]) => ({ name, title, unavailable: why() }));

const nginx = (root) => (port) => `
  listen 127.0.0.1:${port} ssl;
  ssl_certificate ${certificate()}/cert.pem;
  ssl_certificate_key ${certificate()}/key.pem;
  ssl_protocols ${VERSION};
  ssl_conf_command Ciphersuites ${SUITE};
  location = / { default_type text/plain; return 200 "${TEXT}"; }
  ${root === undefined ? '' : `root ${root};`}
`;

/** Starts a server; `node` holds arguments for Node itself, `root` is the folder that nginx serves. */
export function startServer(name, { node, root } = {}) {
  if (name === 'nginx') return startNginx(name, { server: nginx(root), scheme: 'https' });
  if (name === 'haproxy') return startHaproxy(name);
  return startProgram(import.meta.url, name, { node, args: [certificate()], scheme: 'https' });
}

/** Throws unless a server gives the answer that all give, by the same version and suite, and resumes its sessions. */
export async function verify(server) {
  const url = server.url('/');
  const first = await ask(url);
  const second = await ask(url, { tls: { session: first.session.ticket } });
  for (const [which, { status, headers, body, session }] of Object.entries({ first, second })) {
    const wrong =
      (status !== 200 && `status ${status}`) ||
      (headers['content-type'] !== 'text/plain' && `content-type ${headers['content-type']}`) ||
      (headers['content-length'] !== String(TEXT.length) && `content-length ${headers['content-length']}`) ||
      (body.toString() !== TEXT && `other bytes (${body.length})`) ||
      (session.version !== VERSION && `version ${session.version}`) ||
      (session.suite !== SUITE && `suite ${session.suite}`) ||
      (session.reused !== (which === 'second') && `a session that is ${session.reused ? '' : 'not '}resumed`);
    if (wrong) throw new Error(`${server.name} answers the ${which} connection wrongly: ${wrong}`);
  }
  return [];
}
