/** Types that mime-db does not know, and that say what they are made of (RFC 6839). */
const TEXTUAL = /^text\/|\+(?:json|text|xml|yaml)$/;
/** mime-db calls it compressible; but it says of bytes only that nobody knows what they are, archives mostly. */
const UNKNOWN_BYTES = 'application/octet-stream';

/** Whether a media type is worth compressing, as mime-db says; it is loaded now. */
export async function compressible(): Promise<(type: string) => boolean> {
  const { default: types } = await import('mime-db');
  const isText = (type: string): boolean => TEXTUAL.test(type);
  return (type) =>
    type !== UNKNOWN_BYTES && (Object.hasOwn(types, type) ? (types[type].compressible ?? isText(type)) : isText(type));
}
