import { describeValue } from '../errors/escape.js';
import { misuse } from '../errors/millrace-error.js';
import type { Material } from '../options/table.js';
import { fileFailed } from './file-failed.js';

const PEM = '-----BEGIN';

/**
 * The bytes of each piece: PEM text and bytes as they are, files read now. Never asks twice for the same. `where` is the
 * option that has them, as messages name it.
 */
export async function loadMaterial(given: Material | readonly Material[] | null, where: string): Promise<Uint8Array[]> {
  if (given === null) return [];
  return Promise.all((isList(given) ? given : [given]).map((piece) => loadPiece(piece, where)));
}

/** The names of the files and folders among the pieces. */
export function filesOf(given: Material | readonly Material[] | null): (string | URL)[] {
  if (given === null) return [];
  return (isList(given) ? given : [given]).filter((piece): piece is string | URL => isFile(piece));
}

/** The bytes of one piece. */
export async function loadPiece(piece: Material, where: string): Promise<Uint8Array> {
  if (isFile(piece)) {
    const { readFile } = await import('node:fs/promises');
    return readFile(piece).catch((error: unknown) => Promise.reject(fileFailed(where, piece, error)));
  }
  if (typeof piece !== 'string' && !ArrayBuffer.isView(piece)) {
    const expected = 'PEM text, the name of a file, a file: URL or a Uint8Array';
    throw misuse('MILLRACE_INVALID_ARGUMENT', `${where} must be ${expected}, got ${describeValue(piece)}`);
  }
  // A copy: what the caller does with its bytes later is its own affair.
  return typeof piece === 'string' ? Buffer.from(piece, 'latin1') : Uint8Array.from(piece);
}

function isList(given: Material | readonly Material[]): given is readonly Material[] {
  return Array.isArray(given);
}

function isFile(piece: Material): piece is string | URL {
  return piece instanceof URL || (typeof piece === 'string' && !piece.includes(PEM));
}
