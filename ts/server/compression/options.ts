import { quote } from '../../errors/escape.js';
import { misuse } from '../../errors/millrace-error.js';
import { isToken } from '../../message/grammar.js';
import type { OptionTable } from '../../options/table.js';
import { validateOptions } from '../../options/validate.js';
import type { ContentCoding } from './codings.js';
import { availableCodings, CODINGS } from './codings.js';
import { compressible } from './compressible.js';

/** How responses are compressed. */
export interface CompressionOptions {
  /** Bodies that are known to be shorter go as they are; in bytes (0…1 GiB, default 1024). */
  threshold?: number;
  /** The media types to compress, `text/*` for all texts; default: those that mime-db calls compressible. */
  types?: readonly string[];
  /** The codings to offer, best first (default br, zstd, gzip); zstd only where this Node has it. */
  encodings?: readonly ContentCoding[];
  /** From 1, fast, to 9, small, for every coding alike; default: 4 for br, 3 for zstd, 6 for gzip. */
  level?: number | null;
}

interface Values {
  readonly threshold: number;
  readonly types: readonly string[] | null;
  readonly encodings: readonly ContentCoding[];
  readonly level: number | null;
}

/** The options in the form in which each response asks them. */
export interface CompressionSettings extends Omit<Values, 'types'> {
  /** Whether a media type, in lower case and without parameters, is worth compressing. */
  isCompressible(type: string): boolean;
}

export const COMPRESSION_OPTIONS: OptionTable<Values> = {
  owner: 'compress',
  required: [],
  exclusive: [],
  rows: [
    { name: 'threshold', type: 'integer', min: 0, max: 1_073_741_824, default: 1024 },
    { name: 'types', type: 'list', default: null },
    { name: 'encodings', type: 'list', values: CODINGS, default: CODINGS },
    { name: 'level', type: 'integer', min: 1, max: 9, nullable: true, default: null },
  ],
};

/** Checks the options at once; what they need is loaded when they are right. */
export function compressionSettings(options: unknown): () => Promise<CompressionSettings> {
  const { types, encodings, ...values } = validateOptions(COMPRESSION_OPTIONS, options);
  const wrong = types?.find((type) => !isMediaType(type));
  if (wrong !== undefined || types?.length === 0) {
    const got = wrong === undefined ? 'none' : quote(wrong);
    throw misuse('MILLRACE_INVALID_ARGUMENT', `compress: option "types" must name media types, as text/*, got ${got}`);
  }
  return async () => {
    const available = availableCodings();
    return {
      ...values,
      encodings: encodings.filter((coding) => available.includes(coding)),
      isCompressible: types === null ? await compressible() : oneOf(types),
    };
  };
}

/** Two tokens (RFC 9110 §8.3.1), the second maybe a star. */
function isMediaType(type: string): boolean {
  const parts = type.split('/');
  return parts.length === 2 && parts.every(isToken);
}

function oneOf(types: readonly string[]): (type: string) => boolean {
  const exact = new Set(types.map((type) => type.toLowerCase()));
  return (type) => exact.has(type) || exact.has(`${type.slice(0, type.indexOf('/') + 1)}*`);
}
