/** Something that the user of the command line can put right: told in one line, without a stack. */
export class Complaint extends Error {
  /** The exit status: 2 for a wrong command line, 1 for what went wrong after that. */
  readonly status: 1 | 2;

  constructor(message: string, status: 1 | 2 = 1) {
    super(message);
    this.status = status;
  }
}

/** The complaint of an error of any kind: its message. */
export function complaintOf(error: unknown): Complaint {
  if (error instanceof Complaint) return error;
  return new Complaint(error instanceof Error ? error.message : String(error));
}
