-- purge.lua: removes tombstones that have served their time, and what is known of where a deleted Service was served.
--
-- Why a script: an object of the same name may come back at any moment, and its record must stay.
--
-- KEYS  1 tombstones  2 dirty:allocate, then of each cluster: services, endpoints, allocations
-- ARGV  1 life in ms  2 most tombstones looked at, then the name of each cluster
-- Returns how many were removed. A Service whose addresses nobody has released yet is kept, and its bell is dirty again.
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local clusters = {}
for index = 3, #ARGV do
  local at = (index - 3) * 3 + 3
  clusters[KEYS[at]] = { name = ARGV[index], endpoints = KEYS[at + 1], allocations = KEYS[at + 2] }
end

local removed = 0
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', nowMs - ARGV[1], 'LIMIT', 0, ARGV[2])
for _, tombstone in ipairs(due) do
  local records, field = string.match(tombstone, '^(%S+) (.+)$')
  local stored = redis.call('HGET', records, field)
  local cluster = clusters[records]
  if cluster and redis.call('HEXISTS', cluster.allocations, field) == 1 then
    redis.call('ZADD', KEYS[1], nowMs, tombstone)
    redis.call('ZADD', KEYS[2], string.format('%.0f', time[1] * 1000000 + time[2]), cluster.name .. '/' .. field)
  else
    if stored and string.match(stored, '^%d+ null$') then
      redis.call('HDEL', records, field)
      if cluster then redis.call('HDEL', cluster.endpoints, field) end
      removed = removed + 1
    end
    redis.call('ZREM', KEYS[1], tombstone)
  end
end
return removed
