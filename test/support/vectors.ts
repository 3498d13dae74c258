import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Row {
  name: string;
  request?: string;
  repeat?: { before: string; text: string; times: number; after: string };
}

/** The rows of the table of malformed requests, their bytes spelled out. */
export interface Vectors {
  malformed: { name: string; bytes: Buffer; status: number }[];
  accepted: { name: string; bytes: Buffer; messages: number; body: string | undefined }[];
}

/** Reads `test/vectors/http1-malformed.json`. */
export function readVectors(): Vectors {
  const text = readFileSync(join(__dirname, '../vectors/http1-malformed.json'), 'utf8');
  const table = JSON.parse(text) as {
    malformed: (Row & { status: number })[];
    accepted: (Row & { messages?: number; body?: string })[];
  };
  return {
    malformed: table.malformed.map((row) => ({ name: row.name, bytes: bytesOf(row), status: row.status })),
    accepted: table.accepted.map((row) => ({
      name: row.name,
      bytes: bytesOf(row),
      messages: row.messages ?? 1,
      body: row.body,
    })),
  };
}

function bytesOf({ request, repeat }: Row): Buffer {
  if (repeat === undefined) return Buffer.from(request ?? '', 'latin1');
  return Buffer.from(repeat.before + repeat.text.repeat(repeat.times) + repeat.after, 'latin1');
}
