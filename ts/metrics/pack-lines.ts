/**
 * Lines in datagrams of at most `size` bytes, parted by line feeds, in their order. A line is never cut: one that is
 * longer than a datagram has one of its own.
 */
export function packLines(lines: readonly string[], size: number): Buffer[] {
  const packets: Buffer[] = [];
  let text = '';
  let bytes = 0;
  for (const line of lines) {
    const length = Buffer.byteLength(line);
    if (text !== '' && bytes + 1 + length > size) {
      packets.push(Buffer.from(text));
      text = '';
      bytes = 0;
    }
    text += text === '' ? line : `\n${line}`;
    bytes += text === line ? length : length + 1;
  }
  if (text !== '') packets.push(Buffer.from(text));
  return packets;
}
