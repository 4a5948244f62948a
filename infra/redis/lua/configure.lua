-- configure.lua: puts a configuration in force, unless one judged from newer objects is there.
--
-- Why a script: after a flush the objects are known by halves until a watcher has listed them all and has brought
-- back the last good configuration; nothing that was judged before may take its place.
--
-- KEYS  1 configuration  2 counter of accepted changes to the objects  3 adopted  4 adopting  5 decided
-- ARGV  1 revision of the objects it was judged from  2 Configuration, JSON  3 cluster
--       4 nonce of the adoption under way ("" = none is ours)
-- Returns 1 the content changed, 0 nothing changed or a newer one is in force, -1 the cluster is not adopted
local incarnation = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
if redis.call('HGET', KEYS[3], ARGV[3]) ~= incarnation
    and redis.call('GET', KEYS[4]) ~= ARGV[4] .. ' ' .. incarnation then
  return -1
end
local stored = redis.call('GET', KEYS[1])
local revision, text
if stored then revision, text = string.match(stored, '^(%d+) (.*)$') end
-- One judged beyond what has been counted belongs to a life of Redis that was lost.
local counted = tonumber(redis.call('GET', KEYS[2]) or math.huge)
if revision and tonumber(revision) <= counted and tonumber(revision) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2])
if text == ARGV[2] then return 0 end
local time = redis.call('TIME')
redis.call('HSET', KEYS[5], 'configuration/' .. ARGV[3], string.format('%.0f', time[1] * 1000000 + time[2]))
return 1
