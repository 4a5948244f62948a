-- strike.lua: strikes an answered bell out, unless it was made dirty again since.
--
-- KEYS  1 dirty set
-- ARGV  1 key  2 version that the answer is of
local version = redis.call('ZSCORE', KEYS[1], ARGV[1])
if version and tonumber(version) == tonumber(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end
