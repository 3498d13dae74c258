// What a load of requests has counted, as every program that sends them gives it.

/** The figures of a round: CPU microseconds of the server for each request. */
export function perRequest(cpu, { requests, seconds, p99, problems }) {
  if (!requests) throw new Error(`not one request was answered: ${problems.join(', ') || 'no error reported'}`);
  return {
    user: cpu.user / requests,
    system: cpu.system / requests,
    total: cpu.total / requests,
    rate: requests / seconds,
    busy: cpu.total / 1e6 / seconds,
    p99,
    requests,
    problems,
  };
}
