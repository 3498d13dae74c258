// What becomes of requests, counted once each.
//
// A request is *accepted* once its connection is established (the kernel has answered the handshake for the server) and
// its bytes were handed to our kernel. It is then
//   answered   a whole 2xx response with the right body
//   not2xx     a whole response with another status
//   wrong      a 2xx response with another body than was asked for
//   lost       the connection ended or was reset before the whole response, and the client could not know that the
//              server was about to close: a fresh connection, or one on which a part of the response had come
//   raced      the same on a connection that had carried an answer without `Connection: close` before, and before any
//              byte of this response: the case of RFC 9112 §9.3.1 that clients send again, with which a server that
//              closes idle connections has to live
// Besides, connections:
//   refused    it could not be established: ECONNREFUSED, or a reset during the handshake
//   idle       the server closed it while no request was under way: no error, counted for interest
//   slowest    the longest time that one took to be established, in ms

/** The counters of one run. */
export class Tally {
  answered = 0;
  not2xx = 0;
  wrong = 0;
  lost = 0;
  raced = 0;
  refused = 0;
  idle = 0;
  slowest = 0;
  /** What happened to those that failed, in words, the first ten. */
  notes = [];

  note(text) {
    if (this.notes.length < 10) this.notes.push(text);
  }

  connected(milliseconds) {
    this.slowest = Math.max(this.slowest, Math.round(milliseconds));
  }

  /** Everything that must be 0. */
  get failed() {
    return this.not2xx + this.wrong + this.lost + this.raced + this.refused;
  }
}
