import { MillraceError } from '../errors/millrace-error.js';
import { errorFromNative } from '../errors/native-error.js';
import type { NativeServerOptions } from '../native/binding.js';
import { native } from '../native/loader.js';

/** Where to listen, as options say it: `fd` before `path` before host and port. */
export interface ListenPlace {
  readonly host: string | null;
  readonly port: number;
  readonly path: string | null;
  readonly fd: number | null;
}

/** A listener of the native core that has a place. */
export interface Bound {
  readonly id: number;
  /** An address and its port, the path of a Unix socket, or null for an inherited one. */
  readonly place: { address: string; port: number } | string | null;
  /** Names the counts that the threads of the process share. */
  readonly name: string;
}

const SYSTEM = 2;
const EAFNOSUPPORT = 97;
const EADDRNOTAVAIL = 99;

/**
 * Listens, and has `make` set up what is above before anything is accepted: that happens in a later turn of the loop.
 * What `make` throws ends the listener.
 */
export async function bind<T>(
  options: NativeServerOptions,
  { host, port, path, fd }: ListenPlace,
  make: (bound: Bound) => T,
): Promise<T> {
  if (fd !== null) return made(listening({ ...options, fd, port: 0 }, `fd ${fd}`), `fd ${fd}`, make);
  if (path !== null) return made(listening({ ...options, path, port: 0 }, path), path, make, path);
  // Without a host: every address; a system without IPv6 says so.
  for (const address of host === null ? ['::', '0.0.0.0'] : [await literal(host)]) {
    const id = native.listen({ ...options, host: address, port });
    if (id >= 0) return made(id, '', make);
    const unsupported = id === -EAFNOSUPPORT || id === -EADDRNOTAVAIL;
    if (host !== null || address !== '::' || !unsupported) throw listenError(id, address, port);
  }
  throw new MillraceError('MILLRACE_BUG', 'no address family could be listened on');
}

function made<T>(id: number, name: string, make: (bound: Bound) => T, path?: string): T {
  const [address, port] = native.serverAddress(id).split('\0');
  const tcp = port === undefined ? null : { address, port: Number(port) };
  try {
    return make({ id, place: path ?? tcp, name: tcp === null ? name : `port ${tcp.port}` });
  } catch (error) {
    native.forceServer(id);
    throw error;
  }
}

function listening(options: NativeServerOptions, address: string): number {
  const id = native.listen(options);
  if (id < 0) throw listenError(id, address);
  return id;
}

async function literal(host: string): Promise<string> {
  // Loaded when a host is given: they take a tenth of the package's own time to load.
  const [{ isIP }, { lookup }] = await Promise.all([import('node:net'), import('node:dns/promises')]);
  const plain = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(plain) !== 0) return plain;
  try {
    return (await lookup(host)).address;
  } catch (error) {
    // Worded as Node does: `getaddrinfo ENOTFOUND name`.
    const { message, errno, syscall } = error as NodeJS.ErrnoException;
    throw new MillraceError('MILLRACE_SYSTEM', message, { errno, syscall, hostname: host, cause: error });
  }
}

function listenError(answer: number, address: string, port?: number): MillraceError {
  if (answer < -100_000) return errorFromNative(-answer - 100_000);
  return errorFromNative(SYSTEM, { errno: -answer, syscall: 'listen', address, port });
}
