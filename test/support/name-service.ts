import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { NameService } from '../../ts/dns/name-service.js';
import { SystemFiles } from '../../ts/dns/system-files.js';
import { RESOLVER_OPTIONS } from '../../ts/options/resolver.generated.js';
import type { ResolverOptions, ResolverOptionValues } from '../../ts/options/resolver.generated.js';
import { validateOptions } from '../../ts/options/validate.js';
import type { DnsScript } from './dns-server.js';
import { DnsServer } from './dns-server.js';

/** What the system's files say; one that is left out is absent. */
export interface FileTexts {
  readonly hosts?: string;
  readonly resolvConf?: string;
  readonly nsswitch?: string;
}

const folders: string[] = [];
const servers: DnsServer[] = [];

/** Ends name servers and removes files after each test of the file. */
export function endsNamesWithTheTest(): void {
  afterEach(async () => {
    jest.useRealTimers();
    await Promise.all(servers.splice(0).map((server) => server.close()));
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
}

/** A name server that ends with the test. */
export async function dnsServer(script: DnsScript): Promise<DnsServer> {
  const server = await DnsServer.start(script);
  servers.push(server);
  return server;
}

/** Files as the system has them, in a folder that ends with the test. */
export function systemFiles(texts: FileTexts = {}): {
  files: SystemFiles;
  write: (name: keyof FileTexts, text: string) => void;
} {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-names-'));
  folders.push(folder);
  const paths = {
    hosts: join(folder, 'hosts'),
    resolvConf: join(folder, 'resolvConf'),
    nsswitch: join(folder, 'nsswitch'),
  };
  const write = (name: keyof FileTexts, text: string): void => writeFileSync(paths[name], text);
  for (const [name, text] of Object.entries(texts)) write(name as keyof FileTexts, text as string);
  return { files: new SystemFiles(paths), write };
}

/** A name service over these servers, or (none given) over the system's files alone. */
export function nameService(
  over: readonly DnsServer[],
  options: ResolverOptions = {},
  files: SystemFiles = systemFiles().files,
): NameService {
  const given = over.length === 0 ? options : { servers: over.map(({ address }) => address), ...options };
  return new NameService(validateOptions<ResolverOptionValues>(RESOLVER_OPTIONS, given), files);
}

/** A name server that answers so, and a name service that asks it. */
export async function namesOver(
  script: DnsScript,
  options: ResolverOptions = {},
  files?: SystemFiles,
): Promise<{ names: NameService; server: DnsServer }> {
  const server = await dnsServer(script);
  return { server, names: nameService([server], options, files) };
}

/** Time stands still but for `pass`; the network and the files do not. Until the end of the test. */
export function fakeTime(): { pass(ms: number): void } {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'hrtime'] });
  return { pass: (ms) => void jest.advanceTimersByTime(ms) };
}

/** Resolves when the condition holds, by turns of the event loop: time may be a fake. Fails after many. */
export async function untilTurned(holds: () => boolean): Promise<void> {
  const end = process.hrtime.bigint() + 5_000_000_000n;
  while (!holds()) {
    if (process.hrtime.bigint() > end) throw new Error('not within 5 s');
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
