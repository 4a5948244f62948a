-- clock.lua: Redis' time, and since when this life of Redis has kept leases.
--
-- KEYS  1 epoch
-- Returns {nowMs, sinceMs}. A new incarnation starts counting here.
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local incarnation = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
if redis.call('HGET', KEYS[1], 'incarnation') ~= incarnation then
  local started = redis.pcall('HSET', KEYS[1], 'incarnation', incarnation, 'sinceMs', nowMs)
  -- Whoever may only read (the console) leaves it to others.
  if type(started) == 'table' and started.err then return {nowMs, nowMs} end
end
return {nowMs, tonumber(redis.call('HGET', KEYS[1], 'sinceMs'))}
