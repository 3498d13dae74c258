-- A POST with a body of 64 KiB and its Content-Length.
local folder = debug.getinfo(1, 'S').source:match('^@(.*/)') or './'
dofile(folder .. 'outcome.lua')

wrk.method = 'POST'
wrk.headers['Content-Type'] = 'application/octet-stream'
wrk.body = string.rep('0123456789abcdef', 4096)
