/** A form as a body: multipart/form-data (RFC 7578), with a length, and to be made as often as it is needed. */
export interface Multipart {
  readonly type: string;
  readonly length: number;
  open(): AsyncIterable<Uint8Array | string>;
}

/**
 * Encodes a form as the HTML standard does ("multipart/form-data encoding algorithm"): line ends of names and texts
 * become CRLF, and of a name what would end its quotes is escaped. Files are read only when the body is.
 */
export function multipart(form: FormData): Multipart {
  const boundary = `----millrace-${globalThis.crypto.randomUUID()}`;
  const parts: (string | Blob)[] = [];
  for (const [name, value] of form) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${escaped(crlf(name))}"`;
    if (typeof value === 'string') {
      parts.push(`${head}\r\n\r\n${crlf(value)}\r\n`);
    } else {
      const type = value.type || 'application/octet-stream';
      parts.push(`${head}; filename="${escaped(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`, value, '\r\n');
    }
  }
  parts.push(`--${boundary}--\r\n`);
  let length = 0;
  for (const part of parts) length += typeof part === 'string' ? Buffer.byteLength(part) : part.size;
  return { type: `multipart/form-data; boundary=${boundary}`, length, open: () => chunksOf(parts) };
}

async function* chunksOf(parts: readonly (string | Blob)[]): AsyncGenerator<Uint8Array | string> {
  let text = '';
  for (const part of parts) {
    if (typeof part === 'string') {
      text += part;
      continue;
    }
    yield text;
    text = '';
    for await (const chunk of part.stream()) yield chunk as Uint8Array;
  }
  yield text;
}

function crlf(text: string): string {
  return text.replace(/\r\n|\r|\n/g, '\r\n');
}

function escaped(name: string): string {
  return name.replace(/\n/g, '%0A').replace(/\r/g, '%0D').replace(/"/g, '%22');
}
