import { native } from './native/loader.js';

/** What the native core has and uses on this machine. */
export interface Features {
  /** `nested`: an epoll nested in libuv's loop; `uv`: one libuv poll handle per socket. */
  poller: 'nested' | 'uv';
  /** Whether several threads or processes may listen on one port, the system spreading connections. */
  reusePort: boolean;
  unixSockets: boolean;
  abstractUnixSockets: boolean;
  platform: string;
}

export function features(): Features {
  const linux = process.platform === 'linux';
  return {
    poller: process.env.MILLRACE_POLLER === 'uv' || !linux ? 'uv' : 'nested',
    reusePort: linux,
    unixSockets: process.platform !== 'win32',
    abstractUnixSockets: linux,
    platform: `${process.platform}-${process.arch}`,
  };
}

/** The version of the native core, which is the package's. */
export function version(): string {
  return native.version();
}

/** The number of the border between package and native core. */
export function abiVersion(): number {
  return native.abiVersion();
}
