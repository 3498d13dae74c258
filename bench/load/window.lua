-- GET requests, with the server's CPU time and the requests counted inside a window of the run.
--
-- Thousands of connections take seconds to be accepted, and wrk counts from its first connect. So the figures of
-- /proc are read twice from in here, at the start and at the end of a window in the middle of the run, between two
-- requests: neither accepting, nor warming up, nor the requests in flight at the end are in them.
--
-- Arguments: the server's process, seconds before the window, seconds of the window, then the server's threads.
local folder = debug.getinfo(1, 'S').source:match('^@(.*/)') or './'
dofile(folder .. 'outcome.lua')

local ffi = require('ffi')
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } bench_time;
  int clock_gettime(int clock, bench_time *time);
]]
local CLOCK_MONOTONIC = 1
local EVERY = 64
local now_value = ffi.new('bench_time')

local function now()
  ffi.C.clock_gettime(CLOCK_MONOTONIC, now_value)
  return tonumber(now_value.seconds) + tonumber(now_value.nanoseconds) / 1e9
end

local function contents(path)
  local file = io.open(path)
  if not file then return '' end
  local text = file:read('*l') or ''
  file:close()
  return text
end

local process, lead, length, tasks, text, from, till
local count, phase = 0, 0

-- `seconds requests ticks-user ticks-system nanoseconds`
local function snapshot()
  local user, system = contents('/proc/' .. process .. '/stat'):match('^.*%) %S+' .. (' %S+'):rep(10) .. ' (%d+) (%d+)')
  local nanoseconds = 0
  for _, task in ipairs(tasks) do
    local spent = contents('/proc/' .. process .. '/task/' .. task .. '/schedstat'):match('^(%d+)')
    if not spent then return ('%.6f %d %s %s gone'):format(now(), count, user or 0, system or 0) end
    nanoseconds = nanoseconds + tonumber(spent)
  end
  return ('%.6f %d %s %s %.0f'):format(now(), count, user or 0, system or 0, nanoseconds)
end

function init(args)
  text = wrk.format('GET')
  process, lead, length, tasks = args[1], tonumber(args[2]), tonumber(args[3]), {}
  for i = 4, #args do tasks[#tasks + 1] = args[i] end
end

function request()
  count = count + 1
  if phase < 2 and count % EVERY == 0 then
    local time = now()
    -- The first requests are built while wrk sets up its threads: the clock starts with the first check.
    if not from then from = time + lead end
    if phase == 0 and time >= from then
      window_start = snapshot()
      till = time + length
      phase = 1
    elseif phase == 1 and time >= till then
      window_end = snapshot()
      phase = 2
    end
  end
  return text
end

local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function more_outcome()
  io.write('window-start ', threads[1]:get('window_start') or 'never', '\n')
  io.write('window-end ', threads[1]:get('window_end') or 'never', '\n')
end
