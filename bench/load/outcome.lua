-- Prints what wrk counted as lines of `name value` behind a mark, for bench/measure/wrk.mjs.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write('\noutcome\n')
  io.write('requests ', summary.requests, '\n')
  io.write('microseconds ', summary.duration, '\n')
  io.write('bytes ', summary.bytes, '\n')
  io.write('connect ', errors.connect, '\n')
  io.write('read ', errors.read, '\n')
  io.write('write ', errors.write, '\n')
  io.write('status ', errors.status, '\n')
  io.write('timeout ', errors.timeout, '\n')
  io.write('p50 ', latency:percentile(50), '\n')
  io.write('p99 ', latency:percentile(99), '\n')
  if more_outcome then more_outcome() end
end
