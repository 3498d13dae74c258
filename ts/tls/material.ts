import type { Material } from '../options/table.js';

const PEM = '-----BEGIN';

/** The bytes of each piece: PEM text and bytes as they are, files read now. Never asks twice for the same. */
export async function loadMaterial(given: Material | readonly Material[] | null): Promise<Uint8Array[]> {
  if (given === null) return [];
  return Promise.all((isList(given) ? given : [given]).map(loadPiece));
}

/** The names of the files and folders among the pieces. */
export function filesOf(given: Material | readonly Material[] | null): (string | URL)[] {
  if (given === null) return [];
  return (isList(given) ? given : [given]).filter((piece): piece is string | URL => isFile(piece));
}

/** The bytes of one piece. */
export async function loadPiece(piece: Material): Promise<Uint8Array> {
  if (isFile(piece)) return (await import('node:fs/promises')).readFile(piece);
  // A copy: what the caller does with its bytes later is its own affair.
  return typeof piece === 'string' ? Buffer.from(piece, 'latin1') : Uint8Array.from(piece);
}

function isList(given: Material | readonly Material[]): given is readonly Material[] {
  return Array.isArray(given);
}

function isFile(piece: Material): piece is string | URL {
  return piece instanceof URL || (typeof piece === 'string' && !piece.includes(PEM));
}
