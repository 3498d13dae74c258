import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcp } from 'node:net';
import { join } from 'node:path';

/** One repository, served by git itself: over `http:` with its protocol for clones and pushes, and over `git:`. */
export class GitServer {
  readonly httpUrl: string;
  readonly gitUrl: string;
  readonly #git: string;
  readonly #bare: string;
  readonly #close: () => void;

  private constructor(git: string, bare: string, ports: readonly [number, number], close: () => void) {
    this.#git = git;
    this.#bare = bare;
    this.#close = close;
    this.httpUrl = `http://localhost:${ports[0]}/one.git`;
    this.gitUrl = `git://localhost:${ports[1]}/one.git`;
  }

  /** In a folder of the caller's. */
  static async start(git: string, folder: string): Promise<GitServer> {
    const bare = join(folder, 'one.git');
    mkdirSync(bare, { recursive: true });
    const inside = (...args: string[]): string =>
      execFileSync(git, args, { cwd: bare, stdio: 'pipe', input: '' }).toString().trim();
    inside('init', '--bare', '--initial-branch=main');
    inside('config', 'http.receivepack', 'true');
    const author = ['-c', 'user.name=a', '-c', 'user.email=a@b.test'];
    inside('update-ref', 'refs/heads/main', inside(...author, 'commit-tree', '-m', 'first', inside('mktree')));

    const http = createServer((req, res) => backend(git, folder, req, res));
    // As inetd would: a process for each connection, which is its standard streams.
    const tcp = createTcp({ allowHalfOpen: true }, (socket) => {
      const daemon = spawn(git, ['daemon', '--inetd', '--export-all', `--base-path=${folder}`, folder]);
      socket.on('error', () => daemon.kill()).pipe(daemon.stdin.on('error', () => undefined));
      daemon.stdout.pipe(socket);
    });
    await Promise.all([http, tcp].map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
    const [httpPort, gitPort] = [http, tcp].map((server) => (server.address() as AddressInfo).port);
    return new GitServer(git, bare, [httpPort, gitPort], () => {
      http.close().closeAllConnections();
      tcp.close();
    });
  }

  /** The subjects of its commits, the newest first. */
  log(folder = this.#bare): string[] {
    return execFileSync(this.#git, ['log', '--format=%s', 'main'], { cwd: folder }).toString().trim().split('\n');
  }

  close(): void {
    this.#close();
  }
}

/** `git http-backend`, a program of CGI. */
function backend(git: string, folder: string, req: IncomingMessage, res: ServerResponse): void {
  const { pathname, searchParams } = new URL(req.url ?? '/', 'http://localhost');
  const cgi = spawn(git, ['http-backend'], {
    env: {
      ...process.env,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: req.method,
      PATH_INFO: pathname,
      QUERY_STRING: searchParams.toString(),
      CONTENT_TYPE: req.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: req.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: req.headers['git-protocol'] as string | undefined,
      REMOTE_USER: 'anybody',
    },
  });
  req.pipe(cgi.stdin.on('error', () => undefined));
  const chunks: Buffer[] = [];
  cgi.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  cgi.stdout.on('end', () => {
    const whole = Buffer.concat(chunks);
    const end = whole.indexOf('\r\n\r\n');
    const fields = whole
      .toString('latin1', 0, end)
      .split('\r\n')
      .map((line) => line.split(': '));
    const status = Number(fields.find(([name]) => name === 'Status')?.[1]?.slice(0, 3) ?? 200);
    res.writeHead(status, fields.filter(([name]) => name !== 'Status').flat()).end(whole.subarray(end + 4));
  });
}
