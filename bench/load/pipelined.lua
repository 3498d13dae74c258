-- Sixteen GET requests in one write; wrk waits for all sixteen answers.
local folder = debug.getinfo(1, 'S').source:match('^@(.*/)') or './'
dofile(folder .. 'outcome.lua')

local batch

function init(args)
  local one = wrk.format('GET')
  local all = {}
  for i = 1, 16 do all[i] = one end
  batch = table.concat(all)
end

function request()
  return batch
end
