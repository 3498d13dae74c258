import { MillraceError } from '../index.js';
import { Complaint, complaintOf } from './complaint.js';

/** In the words of the command line; what is wrong with its arguments ends with 2. */
export function proxyComplaint(error: unknown): Complaint {
  if (!(error instanceof MillraceError) || error.kind !== 'misuse') return complaintOf(error);
  const said = complaintOf(error).message.replace(/^createProxyServer: /, '');
  if (error.code !== 'MILLRACE_PROXY_OPEN') return new Complaint(said, 2);
  const [who = said] = said.split(', so it needs ');
  return new Complaint(`${who}: give --auth or --allow; or --open, which lets everybody use it`, 2);
}
