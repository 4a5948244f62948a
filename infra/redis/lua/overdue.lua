-- overdue.lua: bells that have waited for an answer too long, oldest first.
--
-- Why a script: on a Redis Cluster TIME, asked for by itself, is that of any node; versions are by the clock of this one.
--
-- KEYS  1 dirty set
-- ARGV  1 age in ms  2 most
local time = redis.call('TIME')
local untilUs = time[1] * 1000000 + time[2] - ARGV[1] * 1000
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', untilUs), 'LIMIT', 0, ARGV[2])
