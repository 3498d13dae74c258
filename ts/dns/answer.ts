import type { Addresses } from './resolved-address.js';

/** What one question, a name and a family, was answered with. */
export type Reply =
  | { readonly kind: 'found'; readonly addresses: Addresses }
  /** The name does not exist, or has no address of the family. */
  | { readonly kind: 'none'; readonly cause: unknown }
  | { readonly kind: 'failed'; readonly cause: unknown };

/** How a lookup ended. */
export type Answer =
  /** Of each family that has addresses; `partial`: the question for the other family failed. */
  | { readonly kind: 'found'; readonly found: readonly Addresses[]; readonly partial: boolean }
  | { readonly kind: 'none'; readonly cause: unknown }
  | { readonly kind: 'failed'; readonly cause: unknown };

/** One answer of the replies to the questions for the same name: what was found counts, then what failed. */
export function answerOf(replies: readonly Reply[]): Answer {
  const found = replies.flatMap((reply) => (reply.kind === 'found' ? [reply.addresses] : []));
  const failed = replies.find((reply) => reply.kind === 'failed');
  if (found.length > 0) return { kind: 'found', found, partial: failed !== undefined };
  if (failed !== undefined) return { kind: 'failed', cause: failed.cause };
  // "There is such a name, but" says less than "there is none".
  const none = replies.filter((reply) => reply.kind === 'none');
  return { kind: 'none', cause: (none.find(({ cause }) => codeOf(cause) === 'ENOTFOUND') ?? none[0])?.cause };
}

/** The code of an error of Node's, as far as it has one. */
export function codeOf(cause: unknown): string | undefined {
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
