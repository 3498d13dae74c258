import type { RemoteInfo, Socket as UdpSocket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Server as TcpServer, Socket } from 'node:net';
import { createServer, isIP } from 'node:net';

export const TYPE = { A: 1, CNAME: 5, SOA: 6, AAAA: 28, OPT: 41 } as const;
export const RCODE = { FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;

/** What a client asked. */
export interface DnsQuestion {
  readonly name: string;
  readonly type: number;
  readonly over: 'udp' | 'tcp';
  /** The query as it came, and the part of it that is the question. */
  readonly query: Buffer;
  readonly section: Buffer;
}

/** One record of an answer; without an owner, it is of the name that was asked for. */
export interface DnsRecord {
  readonly owner?: string;
  readonly type: number;
  readonly ttl?: number;
  readonly data: Buffer;
}

/** An answer to be made, messages as they are to be sent, or null for silence. */
export type DnsReply = { rcode?: number; records?: DnsRecord[]; truncated?: boolean } | Buffer[] | null;

export type DnsScript = (question: DnsQuestion) => DnsReply | Promise<DnsReply>;

/** Addresses by name; a name that is not there does not exist, `[]` is one without addresses. */
export type Zone = Record<string, readonly string[]>;

/** Answers from a zone, with this TTL in seconds. */
export function fromZone(zone: Zone, ttl = 300): DnsScript {
  return ({ name, type }) => {
    const all = zone[name];
    if (all === undefined) return { rcode: RCODE.NXDOMAIN };
    const family = type === TYPE.A ? 4 : 6;
    return { records: all.filter((address) => isIP(address) === family).map((address) => record(address, ttl)) };
  };
}

/** A record of an address. */
export function record(address: string, ttl = 300, owner?: string): DnsRecord {
  const data = isIP(address) === 4 ? Buffer.from(address.split('.').map(Number)) : ipv6(address);
  return { type: isIP(address) === 4 ? TYPE.A : TYPE.AAAA, ttl, data, ...(owner === undefined ? null : { owner }) };
}

export function alias(owner: string, target: string, ttl = 300): DnsRecord {
  return { owner, type: TYPE.CNAME, ttl, data: encodeName(target) };
}

function ipv6(address: string): Buffer {
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => text.split(':').filter(Boolean);
  const fill = tail === undefined ? [] : Array<string>(8 - groups(head).length - groups(tail).length).fill('0');
  const bytes = Buffer.alloc(16);
  [...groups(head), ...fill, ...groups(tail ?? '')].forEach((group, at) =>
    bytes.writeUInt16BE(parseInt(group, 16), at * 2),
  );
  return bytes;
}

export function encodeName(name: string): Buffer {
  const labels = name.split('.').filter(Boolean);
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])),
    Buffer.from([0]),
  ]);
}

/** A message that answers the question. */
export function encodeReply(question: DnsQuestion, reply: Exclude<DnsReply, Buffer[] | null>, id?: number): Buffer {
  const { rcode = 0, records = [], truncated = false } = reply;
  const header = Buffer.alloc(12);
  header.writeUInt16BE(id ?? question.query.readUInt16BE(0), 0);
  // An answer, recursion desired and available.
  header.writeUInt16BE(0x8180 | rcode | (truncated ? 0x200 : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, question.section, ...records.map((one) => encodeRecord(question.name, one))]);
}

function encodeRecord(asked: string, { owner, type, ttl = 300, data }: DnsRecord): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([encodeName(owner ?? asked), fixed, data]);
}

/** A name server on a free port of loopback, over UDP and TCP, that answers as its script says. */
export class DnsServer {
  /** All questions that came, in their order. */
  readonly questions: DnsQuestion[] = [];
  script: DnsScript;
  private readonly _udp: UdpSocket;
  private readonly _tcp: TcpServer;
  private readonly _open = new Set<Socket>();

  private constructor(script: DnsScript, udp: UdpSocket, tcp: TcpServer) {
    this.script = script;
    this._udp = udp;
    this._tcp = tcp;
    udp.on('message', (query, from) => void this.overUdp(query, from));
    tcp.on('connection', (socket) => this.overTcp(socket));
  }

  static async start(script: DnsScript): Promise<DnsServer> {
    for (;;) {
      const udp = createSocket('udp4');
      const tcp = createServer();
      udp.bind(0, '127.0.0.1');
      await once(udp, 'listening');
      tcp.listen(udp.address().port, '127.0.0.1');
      // The port of UDP may be taken in TCP: another one.
      if (
        await once(tcp, 'listening').then(
          () => true,
          () => false,
        )
      )
        return new DnsServer(script, udp, tcp);
      udp.close();
    }
  }

  /** As c-ares takes it. */
  get address(): string {
    return `127.0.0.1:${this._udp.address().port}`;
  }

  /** What was asked so far: `name/A`, `name/AAAA`. */
  get asked(): string[] {
    return this.questions.map(
      ({ name, type }) => `${name}/${type === TYPE.A ? 'A' : type === TYPE.AAAA ? 'AAAA' : type}`,
    );
  }

  async close(): Promise<void> {
    for (const socket of this._open) socket.destroy();
    this._udp.close();
    this._tcp.close();
    await Promise.all([once(this._udp, 'close'), once(this._tcp, 'close')]);
  }

  private async overUdp(query: Buffer, from: RemoteInfo): Promise<void> {
    for (const message of await this.answer(query, 'udp')) {
      this._udp.send(message, from.port, from.address, () => undefined);
    }
  }

  private overTcp(socket: Socket): void {
    this._open.add(socket);
    socket.on('error', () => undefined).on('close', () => this._open.delete(socket));
    let held = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
        const end = 2 + held.readUInt16BE(0);
        void this.answer(held.subarray(2, end), 'tcp').then((messages) => {
          for (const message of messages) {
            const length = Buffer.alloc(2);
            length.writeUInt16BE(message.length, 0);
            socket.write(Buffer.concat([length, message]));
          }
        });
        held = held.subarray(end);
      }
    });
  }

  private async answer(query: Buffer, over: 'udp' | 'tcp'): Promise<Buffer[]> {
    const labels: string[] = [];
    let at = 12;
    while (query[at] !== 0) {
      const length = query[at];
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const section = query.subarray(12, at + 5);
    const question = { name: labels.join('.'), type: query.readUInt16BE(at + 1), over, query, section };
    this.questions.push(question);
    const reply = await this.script(question);
    if (reply === null) return [];
    return Array.isArray(reply) ? reply : [encodeReply(question, reply)];
  }
}
