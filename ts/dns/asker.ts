import type { ResolverOptionValues } from '../options/resolver.generated.js';
import type { Answer, Reply } from './answer.js';
import { answerOf, codeOf } from './answer.js';
import type { Flight } from './flight.js';
import type { Host } from './host-name.js';
import { NameServers } from './name-servers.js';
import type { ResolvConf } from './resolv-conf.js';
import { candidates } from './resolv-conf.js';
import type { Family } from './resolved-address.js';
import { Slots } from './slots.js';
import type { Tally } from './stats.js';
import type { SystemFiles } from './system-files.js';
import { systemLookup } from './system-lookup.js';

/** Questions to name servers that are under way at once; a crowd of names is not to take all descriptors. */
const MAX_QUESTIONS = 256;

/** Asks for a name: of name servers, by the rules of resolv.conf, or of getaddrinfo. */
export class Asker {
  private readonly _values: ResolverOptionValues;
  private readonly _files: SystemFiles;
  private readonly _tally: Tally;
  private readonly _slots = new Slots(MAX_QUESTIONS);
  private _conf: ResolvConf | null = null;
  private _servers: NameServers | null = null;

  constructor(values: ResolverOptionValues, files: SystemFiles, tally: Tally) {
    this._values = values;
    this._files = files;
    this._tally = tally;
  }

  /**
   * The answer; families that come earlier are told to the flight. `budget` is the time that there is for it, in
   * milliseconds; the flight's signal ends it.
   */
  async ask(host: Host, families: readonly Family[], budget: number, flight: Flight): Promise<Answer> {
    if (await this.isForSystem()) return this.askSystem(host, families);
    const answer = await this.askServers(host, families, budget, flight);
    const { mode, servers } = this._values;
    // A single label may be the name of a machine that only the system's own ways lead to.
    const system = answer.kind === 'none' && mode === 'auto' && servers === null && !host.name.includes('.');
    return system && !flight.signal.aborted ? this.askSystem(host, families) : answer;
  }

  /** Servers that were given are meant to be asked, whatever nsswitch.conf says. */
  private async isForSystem(): Promise<boolean> {
    const { mode, servers } = this._values;
    if (mode !== 'auto' || servers !== null) return mode === 'system';
    return !(await this._files.filesThenDns.read());
  }

  private askSystem(host: Host, families: readonly Family[]): Promise<Answer> {
    this._tally.count('queries');
    return systemLookup(host.absolute ? `${host.name}.` : host.name, families);
  }

  /** The first name of the search list that has an address: all families of it, and of no other. */
  private async askServers(host: Host, families: readonly Family[], budget: number, flight: Flight): Promise<Answer> {
    const conf = await this._files.resolvConf.read();
    const servers = this.serversOf(conf);
    let failed: Answer | null = null;
    let last: Answer = { kind: 'none', cause: undefined };
    for (const name of candidates(host.name, host.absolute, conf)) {
      const question = async (family: Family): Promise<Reply> => {
        const reply = await servers.ask(name, family, budget, flight.signal);
        if (reply.kind === 'found') flight.part(reply.addresses);
        return reply;
      };
      last = answerOf(await Promise.all(families.map(question)));
      if (last.kind === 'found') return last;
      if (last.kind === 'failed') {
        failed ??= last;
        // As libc: the servers may fail on one domain of the list and know the next, but need not be asked in vain.
        if (codeOf(last.cause) !== 'ESERVFAIL') return last;
      }
    }
    // That a name is not there is only known when all could be asked.
    return failed ?? last;
  }

  private serversOf(conf: ResolvConf): NameServers {
    if (this._servers === null || conf !== this._conf) {
      const { timeout, rotate } = conf;
      const servers = this._values.servers ?? conf.servers;
      this._servers = new NameServers({ servers, timeout, rotate, slots: this._slots }, () =>
        this._tally.count('queries'),
      );
      this._conf = conf;
    }
    return this._servers;
  }
}
