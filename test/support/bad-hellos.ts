/** Bytes that no TLS server may take: what they are, and the code that they are refused with where it is one alone. */
export interface BadHello {
  readonly name: string;
  readonly bytes: Buffer;
  /** Cut into pieces of so many bytes. */
  readonly pieces?: number;
}

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const u24 = (value: number): Buffer => Buffer.from([value >> 16, (value >> 8) & 255, value & 255]);

/** A record of TLS: its type, and the version in its head. */
export function record(type: number, content: Buffer, version = 0x0301): Buffer {
  return Buffer.concat([Buffer.from([type]), u16(version), u16(content.length), content]);
}

function handshake(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type]), u24(body.length), body]);
}

function extension(type: number, body: Buffer): Buffer {
  return Buffer.concat([u16(type), u16(body.length), body]);
}

const inU16 = (body: Buffer): Buffer => Buffer.concat([u16(body.length), body]);

interface Hello {
  version?: number;
  session?: Buffer;
  suites?: number[];
  compressions?: number[];
  extensions?: Buffer[];
}

const GROUPS = extension(10, inU16(u16(0x001d)));
const SCHEMES = extension(13, inU16(Buffer.concat([u16(0x0403), u16(0x0804)])));
const VERSIONS = extension(43, Buffer.from([2, 3, 4]));
const SHARE = extension(51, inU16(Buffer.concat([u16(0x001d), inU16(Buffer.alloc(32, 9))])));
const GOOD = [GROUPS, SCHEMES, VERSIONS, SHARE];

/** A ClientHello, good unless told otherwise (RFC 8446 §4.1.2). */
function hello({
  version = 0x0303,
  session = Buffer.alloc(32, 7),
  suites = [0x1301],
  compressions = [0],
  extensions = GOOD,
}: Hello): Buffer {
  const body = Buffer.concat([
    u16(version),
    Buffer.alloc(32, 5),
    Buffer.from([session.length]),
    session,
    inU16(Buffer.concat(suites.map(u16))),
    Buffer.from([compressions.length, ...compressions]),
    inU16(Buffer.concat(extensions)),
  ]);
  return handshake(1, body);
}

const GOOD_HELLO = hello({});
const without = (...left: Buffer[]): Buffer[] => GOOD.filter((each) => !left.includes(each));

/** At least a hundred of them. */
export function badHellos(): BadHello[] {
  const rows: BadHello[] = [];
  const add = (name: string, bytes: Buffer, pieces?: number): void =>
    void rows.push(pieces === undefined ? { name, bytes } : { name, bytes, pieces });

  for (let type = 0; type < 256; type += 9) {
    if (type !== 22) add(`a record of type ${type}`, record(type, Buffer.alloc(8)));
  }
  for (const version of [0x0000, 0x0200, 0x0400, 0x7f12, 0xffff]) {
    add(`a record of version ${version.toString(16)}`, record(22, GOOD_HELLO, version));
  }
  for (const length of [0x4001, 0x4800, 0x4801, 0x8000, 0xffff]) {
    add(
      `a record that says ${length} bytes`,
      Buffer.concat([Buffer.from([22, 3, 1]), u16(length), Buffer.alloc(length)]),
    );
  }
  for (let type = 0; type < 26; type++) {
    if (type !== 1) add(`a handshake that begins with message ${type}`, record(22, handshake(type, Buffer.alloc(4))));
  }
  for (const version of [0x0002, 0x0300, 0x0301, 0x0302]) {
    add(
      `a hello of version ${version.toString(16)} alone`,
      record(22, hello({ version, extensions: without(VERSIONS) })),
    );
  }
  for (let at = 1; at < 32; at += 5) {
    const wrong = Buffer.from(GOOD_HELLO);
    wrong[3] += at;
    add(
      `a hello that ends ${at} bytes too early`,
      Buffer.concat([record(22, wrong), record(22, Buffer.alloc(at, 0xee))]),
    );
  }
  for (let length = 33; length < 256; length += 74) {
    add(`a session id of ${length} bytes`, record(22, hello({ session: Buffer.alloc(length) })));
  }
  add('no suites', record(22, hello({ suites: [] })));
  add('suites that nobody has', record(22, hello({ suites: [0x0001, 0xfefe] })));
  add(
    'suites of TLS 1.2 without ECDHE',
    record(22, hello({ suites: [0x002f, 0x0035], extensions: without(VERSIONS, SHARE) })),
  );
  add('no compressions', record(22, hello({ compressions: [] })));
  add('only compressions that compress', record(22, hello({ compressions: [1] })));
  add('no groups', record(22, hello({ extensions: without(GROUPS) })));
  add('no signature schemes', record(22, hello({ extensions: without(SCHEMES) })));
  add('no key share', record(22, hello({ extensions: without(SHARE) })));
  add('an extension twice', record(22, hello({ extensions: [...GOOD, SCHEMES] })));
  add(
    'an extension longer than the hello',
    record(22, hello({ extensions: [...GOOD, Buffer.from([0, 0, 0xff, 0xff])] })),
  );
  add('empty versions', record(22, hello({ extensions: [...without(VERSIONS), extension(43, Buffer.from([0]))] })));
  add(
    'versions that nobody speaks',
    record(22, hello({ extensions: [...without(VERSIONS), extension(43, Buffer.from([2, 9, 9]))] })),
  );
  add(
    'a key share of no bytes',
    record(22, hello({ extensions: [...without(SHARE), extension(51, inU16(Buffer.concat([u16(0x001d), u16(0)])))] })),
  );
  add(
    'a key share of the wrong length',
    record(
      22,
      hello({
        extensions: [...without(SHARE), extension(51, inU16(Buffer.concat([u16(0x001d), inU16(Buffer.alloc(31))])))],
      }),
    ),
  );
  add(
    'a server name of no bytes',
    record(22, hello({ extensions: [...GOOD, extension(0, inU16(Buffer.from([0, 0, 0])))] })),
  );
  add('ALPN of no bytes', record(22, hello({ extensions: [...GOOD, extension(16, inU16(Buffer.from([0])))] })));
  add(
    'a PSK that is not the last extension',
    record(22, hello({ extensions: [extension(41, Buffer.alloc(6)), ...GOOD] })),
  );
  add(
    'a hello of SSL 2',
    Buffer.from([0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 16, 1, 0, 0x80, ...Array<number>(40).fill(3)]),
  );
  add('a hello of SSL 3', record(22, hello({ version: 0x0300, extensions: [] }), 0x0300));
  add('a Finished at once', record(22, handshake(20, Buffer.alloc(12))));
  add('application data at once', record(23, Buffer.alloc(100), 0x0303));
  add('a ChangeCipherSpec at once, twice', Buffer.concat([record(20, Buffer.from([1])), record(20, Buffer.from([1]))]));
  add('a ChangeCipherSpec that is not 1', record(20, Buffer.from([2])));
  add('a fatal alert', record(21, Buffer.from([2, 40])));
  add('an alert of one byte', record(21, Buffer.from([2])));
  add('an alert of a level that is none', record(21, Buffer.from([9, 9])));
  add('empty records without end', Buffer.concat(Array.from({ length: 200 }, () => record(22, Buffer.alloc(0)))));
  add('empty alerts without end', Buffer.concat(Array.from({ length: 200 }, () => record(21, Buffer.alloc(0)))));
  add(
    'a handshake message of 16 MiB',
    Buffer.concat([
      record(22, Buffer.from([1, 255, 255, 255])),
      ...Array.from({ length: 8 }, () => record(22, Buffer.alloc(16_384))),
    ]),
  );
  add('a second hello behind the first', Buffer.concat([record(22, GOOD_HELLO), record(22, GOOD_HELLO)]));
  add('a hello and then plain text', Buffer.concat([record(22, GOOD_HELLO), Buffer.from('GET / HTTP/1.1\r\n\r\n')]));
  add(
    'a hello and then data that was never sealed',
    Buffer.concat([record(22, GOOD_HELLO), record(20, Buffer.from([1]), 0x0303), record(23, Buffer.alloc(64), 0x0303)]),
  );
  add('zeros', Buffer.alloc(64));
  add('ones', Buffer.alloc(64, 0xff));
  add('an SSH banner', Buffer.from('SSH-2.0-OpenSSH_9.6\r\n'));
  add('a PROXY head', Buffer.from('PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n'));
  add('a head in lower case', Buffer.from('get / http/1.1\r\n\r\n'));
  // Whatever is wrong with them is wrong in single bytes too.
  const whole = rows.filter((row) => row.bytes.length < 400);
  for (let at = 0; at < whole.length; at += 4) add(`${whole[at].name}, byte by byte`, whole[at].bytes, 1);
  return rows;
}

/** One that must be taken, so that the rows are known to be wrong where they say so. */
export const GOOD_RECORD = record(22, GOOD_HELLO);
