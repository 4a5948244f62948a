-- found.lua: an announcer writes down what it found out on the LAN about addresses that its node is to announce. What follows
-- from that allocators decide (quarantine.lua).
--
-- Why a script: what was found is about the claim that was probed, and must not be taken for news about the next one.
--
-- KEYS  1 lan
-- ARGV  1 node  2 cluster  3 key of the addresses  4 keys of the announcers of all clusters, with ","  5 dirty set of `place`
--       6 dirty set of `publish`
--       7 JSON list of {address, probing, foreign}; foreign: {mac, interface} of who has it too, null: it was probed and
--         nobody has
-- Returns {outcomes, keys of `place` to be rung, keys of `publish` to be rung}; an outcome for each:
--   free   it may be announced
--   ours   so it may: who has it is a node of ours, which gives it up
--   taken  it was claimed automatically and never announced: its Services will get another one
--   kept   somebody asked for it by name, or it was announced before: it is said, and that is all
--   gone   it is free by now
local lan = KEYS[1]
local node, cluster, addresses, announcers, dirtyPlace, dirtyPublish = unpack(ARGV)
local QUIET_MS = 600000 -- whoever is heard again after so long is said again
local time = redis.call('TIME')
local version = string.format('%s%06d', time[1], time[2])
local now = string.sub(version, 1, -4)

local function isOurs(mac)
  for key in string.gmatch(announcers, '[^,]+') do
    for _, text in ipairs(redis.call('HVALS', key)) do
      if string.find(text, '"mac":"' .. mac .. '"', 1, true) then return true end
    end
  end
  return false
end

local placed, told = {}, {}

local function outcomeOf(one)
  local address, foreign = one.address, one.foreign
  local known = redis.call('HGET', lan, address) or ''
  local asking = string.match(known, '^unprobed (%S+)') or string.match(known, '^taken') and 'automatic'
  if foreign == cjson.null or isOurs(foreign.mac) then
    if asking then redis.call('HDEL', lan, address) end
    return foreign == cjson.null and 'free' or 'ours'
  end
  if redis.call('HEXISTS', addresses, address) == 0 then return 'gone' end
  local who = foreign.mac .. ' ' .. node .. ' ' .. foreign.interface .. ' '
  if one.probing and asking == 'automatic' then
    redis.call('HSET', lan, address, 'taken ' .. who .. now .. ' ' .. now)
    redis.call('ZADD', dirtyPlace, version, cluster .. '/' .. address)
    placed[#placed + 1] = cluster .. '/' .. address
    return 'taken'
  end
  local since, last
  if string.sub(known, 1, #who + 8) == 'claimed ' .. who then since, last = string.match(known, ' (%d+) (%d+)$') end
  if not last or now - last > QUIET_MS then
    since = now
    redis.call('ZADD', dirtyPublish, version, 'conflict/' .. address)
    told[#told + 1] = 'conflict/' .. address
  end
  redis.call('HSET', lan, address, 'claimed ' .. who .. since .. ' ' .. now)
  return 'kept'
end

local outcomes = {}
for index, one in ipairs(cjson.decode(ARGV[7])) do outcomes[index] = outcomeOf(one) end
return {outcomes, placed, told}
