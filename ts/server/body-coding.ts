/**
 * What changes the bytes of one response's body on their way out. The response asks it when its head is about to leave,
 * while the fields can still change, either by `whole` or by `begin`; after a `begin` that says yes, all that is written
 * goes through it, and it gives the response what it makes of it by `pass` and `passEnd`.
 */
export interface BodyCoding {
  /**
   * The head is about to leave with all of the body. `taken`: it will call the response's `deliver` later. `head`: the
   * fields are changed, and the head leaves as that of a stream (only to HEAD). `plain`: it goes as it is.
   */
  whole(body: string | Uint8Array | undefined): 'taken' | 'head' | 'plain';
  /** The head is about to leave and the body follows in pieces; false: it goes as it is. */
  begin(): boolean;
  /** False: wait until it calls the response's `roomAgain`. */
  write(chunk: string | Uint8Array): boolean;
  end(): void;
  /** The connection has room again. */
  resume(): void;
  /** The exchange is over. */
  destroy(): void;
}
