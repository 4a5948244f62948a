-- learn.lua: writes down what a watcher saw of objects, each unless something newer is known of it.
--
-- Why a script: two watchers may lag behind each other by seconds; the greater resourceVersion wins. Of one resourceVersion
-- all say the same, but for one of another version or with other settings: then whoever came last does, who was begun last.
--
-- KEYS  1 hash of records  2 dirty set  3 tombstones  4 counter of accepted changes (absent where none is kept)
-- ARGV  four for each object: field, resourceVersion (decimal, any length), JSON or "null" (the object is gone),
--       key to make dirty when the content changed ("" = none)
-- Returns for each 1 content changed, 0 only the version is newer, -1 nothing written: known, or older than what is known
local records, dirty, tombstones, counter = unpack(KEYS)
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local bellVersion = string.format('%.0f', time[1] * 1000000 + time[2])

-- Versions are compared as decimal numbers of any length; a double would round them (KEP-5504).
local function isOlder(version, known)
  return #known > #version or (#known == #version and known > version)
end

local function learn(field, version, text, bell)
  local stored = redis.call('HGET', records, field)
  local oldVersion, oldText
  if stored then oldVersion, oldText = string.match(stored, '^(%d+) (.*)$') end
  if oldVersion and isOlder(version, oldVersion) or oldVersion == version and oldText == text then return -1 end
  -- Forgetting what was never known writes nothing; else the tombstone stays, to refuse late news of the object.
  if not stored and text == 'null' then return 0 end
  redis.call('HSET', records, field, version .. ' ' .. text)
  if oldText == text then return 0 end
  local tombstone = records .. ' ' .. field
  if text == 'null' then
    redis.call('ZADD', tombstones, nowMs, tombstone)
  elseif oldText == 'null' then
    redis.call('ZREM', tombstones, tombstone)
  end
  if counter then redis.call('INCR', counter) end
  if bell ~= '' then redis.call('ZADD', dirty, bellVersion, bell) end
  return 1
end

local answers = {}
for i = 1, #ARGV, 4 do answers[#answers + 1] = learn(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]) end
return answers
