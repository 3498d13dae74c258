import { native } from '../native/loader.js';

/** What the system knows of a TCP connection; null where it does not say. Times are in milliseconds. */
export interface TcpInfo {
  /** The smoothed round trip, and its mean deviation. */
  readonly rtt: number | null;
  readonly rttVar: number | null;
  /** The least round trip of late. */
  readonly minRtt: number | null;
  /** Until a segment is sent again. */
  readonly rto: number | null;
  /** Segments that were sent again so far. */
  readonly retransmits: number | null;
  /** Segments that are taken for lost, and that are not acknowledged, now. */
  readonly lost: number | null;
  readonly unacked: number | null;
  /** The congestion window, in segments. */
  readonly cwnd: number | null;
  /** The size of a segment, and of a packet on the path, in bytes. */
  readonly mss: number | null;
  readonly pmtu: number | null;
  /** Bytes that the system holds and has not sent. */
  readonly notSent: number | null;
  /** How fast data was delivered of late, in bytes a second. */
  readonly deliveryRate: number | null;
}

/** Who was at the other end of a Unix socket when it was connected. */
export interface PeerCredentials {
  /** The process; 0 where it is of another namespace. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

const row = new Float64Array(12);

/** The facts of the connection of a stream; null where it is no TCP connection, or gone. */
export function tcpInfoOf(id: number): TcpInfo | null {
  if (native.tcpInfo(id, row) === 0) return null;
  const said = (value: number): number | null => (Number.isNaN(value) ? null : value);
  const time = (value: number): number | null => (Number.isNaN(value) ? null : value / 1_000);
  const [rtt, rttVar, minRtt, rto, retransmits, lost, unacked, cwnd, mss, pmtu, notSent, deliveryRate] = row;
  return {
    rtt: time(rtt),
    rttVar: time(rttVar),
    minRtt: time(minRtt),
    rto: time(rto),
    retransmits: said(retransmits),
    lost: said(lost),
    unacked: said(unacked),
    cwnd: said(cwnd),
    mss: said(mss),
    pmtu: said(pmtu),
    notSent: said(notSent),
    deliveryRate: said(deliveryRate),
  };
}

/** Who is at the other end; null where it is no Unix socket, or gone. */
export function peerCredentialsOf(id: number): PeerCredentials | null {
  if (native.peerCredentials(id, row) === 0) return null;
  const [pid, uid, gid] = row;
  return { pid, uid, gid };
}
