const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Whether a text is a token (RFC 9110 §5.6.2). */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/**
 * Whether a text can be a field's value or a reason phrase: HTAB, visible ASCII, space and obs-text (RFC 9110 §5.5, RFC
 * 9112 §4). Everything else could split a head.
 */
export function isFieldText(text: string): boolean {
  return TEXT.test(text);
}
