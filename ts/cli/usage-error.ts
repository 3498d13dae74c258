/** The words on the command line are wrong; answered with exit code 2. */
export class UsageError extends Error {}
