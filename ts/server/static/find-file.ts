import { acceptedCodings } from '../../message/negotiate-encoding.js';
import type { Contained, Root } from './contained-file.js';
import { openContained } from './contained-file.js';
import type { Precompressed, StaticValues } from './options.js';

/** A file that answers, open; whoever gets it closes it. */
export interface Found extends Contained {
  /** The name that gives its type: that of the file which the variant is one of. */
  readonly name: string;
  readonly coding: Precompressed | undefined;
}

const SUFFIXES: Readonly<Record<Precompressed, string>> = { br: '.br', zstd: '.zst', gzip: '.gz' };

/** The file or folder of these names; else the file that one of the extensions makes of the last of them. */
export async function find(root: Root, names: readonly string[], extensions: readonly string[]) {
  const found = await openContained(root, names);
  if (found !== null || names.length === 0) return found === null ? null : { ...found, name: names.at(-1) ?? '' };
  for (const extension of extensions) {
    const name = `${names.at(-1)}.${extension}`;
    const other = await openFile(root, [...names.slice(0, -1), name]);
    if (other !== null) return { ...other, name };
  }
  return null;
}

/** The index of a folder; null where it has none. */
export async function findIndex(root: Root, names: readonly string[], index: readonly string[]) {
  for (const name of index) {
    const found = await openFile(root, [...names, name]);
    if (found !== null) return { ...found, name };
  }
  return null;
}

/**
 * The variant of a file that the client likes best, in place of the file; or the file. A variant that is older than
 * its file was made of what the file held before, and is not served.
 */
export async function bestVariant(
  root: Root,
  file: Contained & { name: string },
  accepted: string | undefined,
  { precompressed }: Pick<StaticValues, 'precompressed'>,
): Promise<Found> {
  const names = file.path.slice(root.path.length).split(/[/\\]/).filter(Boolean);
  for (const coding of acceptedCodings(accepted, precompressed)) {
    let variant: Contained | null;
    try {
      variant = await openFile(root, [...names.slice(0, -1), `${names.at(-1)}${SUFFIXES[coding]}`]);
    } catch (error) {
      file.source.close();
      throw error;
    }
    if (variant === null) continue;
    if (variant.stats.mtimeNs >= file.stats.mtimeNs) {
      file.source.close();
      return { ...variant, name: file.name, coding };
    }
    variant.source.close();
  }
  return { ...file, coding: undefined };
}

async function openFile(root: Root, names: readonly string[]): Promise<Contained | null> {
  const found = await openContained(root, names);
  if (found === null || found.stats.isFile()) return found;
  found.source.close();
  return null;
}
