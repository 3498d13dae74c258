/** Hands a request on to what comes after; its answer is the answer of the one who calls it. */
export type Next = () => unknown;
