-- published.lua: strikes answered bells of a publish queue out, and passes on what is to be said now that it is shown.
--
-- Why a script: an intent that is gone without its events is an event that nobody ever says.
--
-- KEYS  1 dirty set of the queue  2 intents  3 unsaid events
-- ARGV  1 JSON list: {key, version, name, cleared, events}
--         key, version   of the bell; not struck out when it was made dirty again since. No version: it was not dirty
--         name, cleared  whose intent goes, if it does
--         events         to be said: {field, text}
--       2 bell to make dirty when there is something to say
-- Returns 1 there is something to say, 0 there is not
local dirty, intents, unsaid = unpack(KEYS)
local some = false
for _, item in ipairs(cjson.decode(ARGV[1])) do
  local version = item.version and redis.call('ZSCORE', dirty, item.key)
  if version and tonumber(version) == tonumber(item.version) then redis.call('ZREM', dirty, item.key) end
  for _, event in ipairs(item.events) do
    redis.call('HSET', unsaid, event[1], event[2])
    some = true
  end
  if item.cleared then redis.call('HDEL', intents, item.name) end
end
if not some then return 0 end
local time = redis.call('TIME')
redis.call('ZADD', dirty, string.format('%.0f', time[1] * 1000000 + time[2]), ARGV[2])
return 1
