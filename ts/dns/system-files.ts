import { join } from 'node:path';

import { parseHosts } from './hosts-file.js';
import type { Hosts } from './hosts-file.js';
import { isFilesThenDns } from './nsswitch.js';
import { NO_RESOLV_CONF, parseResolvConf } from './resolv-conf.js';
import type { ResolvConf } from './resolv-conf.js';
import { WatchedFile } from './watched-file.js';

/** Where the system says how names are resolved. */
export interface SystemPaths {
  readonly hosts: string;
  readonly resolvConf: string;
  readonly nsswitch: string;
}

const WINDOWS_HOSTS = 'System32\\drivers\\etc\\hosts';

const PATHS: SystemPaths = {
  hosts: process.platform === 'win32' ? join(process.env.SystemRoot ?? 'C:\\Windows', WINDOWS_HOSTS) : '/etc/hosts',
  resolvConf: '/etc/resolv.conf',
  nsswitch: '/etc/nsswitch.conf',
};

/** Systems whose own resolver does what no such file tells of: mDNS, a resolver for each network. */
const OWN_RESOLVER: ReadonlySet<string> = new Set(['darwin', 'win32']);

/** The files by which names are resolved; all resolvers share those of the system. */
export class SystemFiles {
  readonly hosts: WatchedFile<Hosts>;
  readonly resolvConf: WatchedFile<ResolvConf>;
  /** Whether the hosts file and name servers are all there is to ask. */
  readonly filesThenDns: WatchedFile<boolean>;

  constructor(paths: SystemPaths = PATHS) {
    this.hosts = new WatchedFile<Hosts>(paths.hosts, parseHosts, new Map());
    this.resolvConf = new WatchedFile(paths.resolvConf, parseResolvConf, NO_RESOLV_CONF);
    this.filesThenDns = new WatchedFile(paths.nsswitch, isFilesThenDns, !OWN_RESOLVER.has(process.platform));
  }
}

export const SYSTEM_FILES = new SystemFiles();
