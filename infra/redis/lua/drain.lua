-- drain.lua: marks a node as one that is to announce nothing that another can, or ends that.
--
-- Why a script: the mark, when it was decided (decisions.lua), and the bell for all that is placed must not be parted.
--
-- KEYS  1 drained  2 decided  3 dirty:place
-- ARGV  1 cluster  2 node  3 "1": drained
-- Returns whether anything changed
local cluster, node, whether = ARGV[1], ARGV[2], ARGV[3] == '1'
local time = redis.call('TIME')
if whether == (redis.call('HEXISTS', KEYS[1], node) == 1) then return 0 end
local version = string.format('%s%06d', time[1], time[2])
if whether then redis.call('HSET', KEYS[1], node, string.sub(version, 1, -4)) else redis.call('HDEL', KEYS[1], node) end
redis.call('HSET', KEYS[2], 'drained/' .. cluster, version)
redis.call('ZADD', KEYS[3], version, cluster .. '/*')
return 1
