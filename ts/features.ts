import { native } from './native/loader.js';

/** What the native core has and uses on this machine. */
export interface Features {
  /** `nested`: an epoll nested in libuv's loop; `uv`: one libuv poll handle per socket. */
  poller: 'nested' | 'uv';
  /** Whether several threads or processes may listen on one port, the system spreading connections. */
  reusePort: boolean;
  /** TCP Fast Open as the system's settings have it (`net.ipv4.tcp_fastopen`): where it is off, `fastOpen` does nothing. */
  fastOpen: { connect: boolean; listen: boolean };
  /** Whether `deferAccept` (TCP_DEFER_ACCEPT) does anything. */
  deferAccept: boolean;
  /** Whether `userTimeout` (TCP_USER_TIMEOUT), `info()` (TCP_INFO) and `peerCredentials()` (SO_PEERCRED) say anything. */
  userTimeout: boolean;
  tcpInfo: boolean;
  peerCredentials: boolean;
  /** Whether relays move large streams without copying them. */
  splice: boolean;
  unixSockets: boolean;
  abstractUnixSockets: boolean;
  platform: string;
}

export function features(): Features {
  const linux = process.platform === 'linux';
  return {
    poller: process.env.MILLRACE_POLLER === 'uv' || !linux ? 'uv' : 'nested',
    reusePort: linux,
    fastOpen: fastOpen(linux),
    deferAccept: linux,
    userTimeout: linux,
    tcpInfo: linux,
    peerCredentials: linux,
    splice: linux,
    unixSockets: process.platform !== 'win32',
    abstractUnixSockets: linux,
    platform: `${process.platform}-${process.arch}`,
  };
}

function fastOpen(linux: boolean): Features['fastOpen'] {
  let bits = 0;
  try {
    const { readFileSync } = process.getBuiltinModule('node:fs');
    if (linux) bits = Number(readFileSync('/proc/sys/net/ipv4/tcp_fastopen', 'utf8'));
  } catch {
    // Where it cannot be asked for, it is not there.
  }
  return { connect: (bits & 1) !== 0, listen: (bits & 2) !== 0 };
}

/** The version of the native core, which is the package's. */
export function version(): string {
  return native.version();
}

/** The number of the border between package and native core. */
export function abiVersion(): number {
  return native.abiVersion();
}
