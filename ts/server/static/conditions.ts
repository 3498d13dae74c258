import type { HeaderView } from '../../message/header-view.js';
import { parseHttpDate } from '../../message/http-date.js';
import type { Validators } from './validators.js';

/** An entity tag (RFC 9110 §8.8.3): the mark of a weak one, then its text with the quotes. */
const ENTITY_TAG = /(W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g;

/**
 * What a GET or HEAD is answered with after its preconditions, in the order of RFC 9110 §13.2.2: 412, 304, or 200 where
 * none stands against it. Dates that are none are ignored, as §13.1 says.
 */
export function statusOf(headers: HeaderView, validators: Validators): 200 | 304 | 412 {
  const ifMatch = headers.get('if-match');
  if (ifMatch !== undefined) {
    if (!listHas(ifMatch, validators.etag, true)) return 412;
  } else {
    const since = dateOf(headers.get('if-unmodified-since'));
    if (since !== undefined && validators.modified > since) return 412;
  }
  const ifNoneMatch = headers.get('if-none-match');
  if (ifNoneMatch !== undefined) return listHas(ifNoneMatch, validators.etag, false) ? 304 : 200;
  const since = dateOf(headers.get('if-modified-since'));
  return since !== undefined && validators.modified <= since ? 304 : 200;
}

/** Whether a Range is to be honoured: there is no If-Range, or it names this very version (§13.1.5). */
export function rangeHolds(headers: HeaderView, { etag, modified, isSettled }: Validators): boolean {
  const condition = headers.get('if-range');
  if (condition === undefined) return true;
  if (condition.includes('"')) return !condition.startsWith('W/') && condition === etag;
  return isSettled && dateOf(condition) === modified;
}

/** Whether a list of tags has this one. Strongly, a weak tag equals none, not even itself (§8.8.3.2). */
function listHas(list: string, etag: string | undefined, strongly: boolean): boolean {
  if (list.trim() === '*') return true;
  if (etag === undefined) return false;
  const isWeak = etag.startsWith('W/');
  if (strongly && isWeak) return false;
  const text = isWeak ? etag.slice(2) : etag;
  for (const [, weak, tag] of list.matchAll(ENTITY_TAG)) {
    if (tag === text && !(strongly && weak !== undefined)) return true;
  }
  return false;
}

function dateOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseHttpDate(text);
}
