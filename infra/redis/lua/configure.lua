-- configure.lua: puts a configuration in force, unless one judged from newer objects is there.
--
-- KEYS  1 configuration  2 counter of accepted changes to the objects
-- ARGV  1 revision of the objects it was judged from  2 Configuration, JSON
-- Returns 1 the content changed, 0 nothing changed or a newer one is in force
local stored = redis.call('GET', KEYS[1])
local revision, text
if stored then revision, text = string.match(stored, '^(%d+) (.*)$') end
-- One judged beyond what has been counted belongs to a life of Redis that was lost.
local counted = tonumber(redis.call('GET', KEYS[2]) or math.huge)
if revision and tonumber(revision) <= counted and tonumber(revision) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2])
return text == ARGV[2] and 0 or 1
