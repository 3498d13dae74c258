import type { Socket } from 'node:net';

/** Closes a connection with a reset, or plainly where its end is on its way. */
export function reset(socket: Socket): void;
