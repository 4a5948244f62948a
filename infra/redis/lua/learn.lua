-- learn.lua: writes down what a watcher saw of one object, unless something newer is known.
--
-- Why a script: two watchers may lag behind each other by seconds; the greater resourceVersion wins.
--
-- KEYS  1 hash of records  2 dirty set  3 tombstones  4 counter of accepted changes (absent where none is kept)
-- ARGV  1 field  2 resourceVersion (decimal, any length)  3 JSON, or "null": the object is gone
--       4 key to make dirty when the content changed ("" = none)
-- Returns 1 content changed, 0 only the version is newer, -1 older than what is known: nothing written
local stored = redis.call('HGET', KEYS[1], ARGV[1])
local oldVersion, oldText
if stored then oldVersion, oldText = string.match(stored, '^(%d+) (.*)$') end
local version = ARGV[2]

-- Versions are compared as decimal numbers of any length; a double would round them (KEP-5504).
if oldVersion and (#oldVersion > #version or (#oldVersion == #version and oldVersion >= version)) then
  return -1
end
-- Forgetting what was never known writes nothing; else the tombstone stays, to refuse late news of the object.
if not stored and ARGV[3] == 'null' then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], version .. ' ' .. ARGV[3])
if oldText == ARGV[3] then return 0 end
local time = redis.call('TIME')
local tombstone = KEYS[1] .. ' ' .. ARGV[1]
if ARGV[3] == 'null' then
  redis.call('ZADD', KEYS[3], time[1] * 1000 + math.floor(time[2] / 1000), tombstone)
elseif oldText == 'null' then
  redis.call('ZREM', KEYS[3], tombstone)
end
if KEYS[4] then redis.call('INCR', KEYS[4]) end
if ARGV[4] ~= '' then
  redis.call('ZADD', KEYS[2], string.format('%.0f', time[1] * 1000000 + time[2]), ARGV[4])
end
return 1
