/**
 * Whether nsswitch.conf(5) wants of a name nothing but the hosts file and then name servers, so that we can do it
 * ourselves. mDNS, LDAP, systemd's modules, another order or a condition: getaddrinfo knows them, and we do not.
 */
export function isFilesThenDns(text: string): boolean {
  for (const line of text.split('\n')) {
    const [, sources] = /^\s*hosts:([^#]*)/.exec(line) ?? [];
    if (sources !== undefined) return sources.trim().split(/\s+/).join(' ') === 'files dns';
  }
  return true;
}
