// CommonJS, with its types beside it: Jest's tests and the programs, which are ES modules, both import it.

/**
 * Closes a connection with a reset; with a plain close where the end of our side is on its way. libuv refuses a reset
 * during its shutdown (EINVAL), and Node then never closes the handle: the process stays for ever in its own clean-up.
 */
exports.reset = function reset(socket) {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
};
