/** Closes a connection with a reset, or plainly where its end is on its way: see test/support/reset.ts for why. */
export function reset(socket) {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
