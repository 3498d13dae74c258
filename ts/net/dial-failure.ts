/** What the native core says of a dial that failed; `dial` makes the error of it. */
export class DialFailure extends Error {
  constructor(
    readonly codeId: number,
    readonly hop: number,
    readonly a: number,
    readonly b: number,
    readonly detail: string,
  ) {
    super('a dial failed');
  }
}
