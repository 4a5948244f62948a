-- renew.lua: an announcer renews its lease and reports what it has taken over on the LAN.
--
-- KEYS  1 leases  2 announcers  3 epoch  4 wanting  5 dirty:place  6 placements  7 lan
-- ARGV  1 cluster  2 node  3 lease in ms  4 Announcer, JSON  5 JSON list of placements that it answers for
--       6 "all": there is nothing else that it answers for, or ""
--       7 incarnation of Redis in which it last reported all, or ""
--       8 prefix of a node's group set  9 prefix of a node's standby set  10 dirty set of groups placed anew,
--          or announced by a node whose interfaces have changed: where their addresses live may have, too
-- Returns {"report", incarnation}: this Redis is new, empty or older; say all that you answer for
--         {"renewed", incarnation, nodes whose lease runs, groups whose `place` bells to ring: those that want a node more,
--          when this one was not alive before or has other interfaces, and then its own too}
--
-- Reported placements that are unknown here, or known with a lesser epoch, are written down: the LAN has
-- decided. Never is anything taken away, and one of a later schema is left to processes of that version. The counter of
-- epochs is raised to the greatest one reported.
local leases, announcers, epochs, wanting, dirtyPlace, placements, lan = unpack(KEYS)
local cluster, node, leaseMs = ARGV[1], ARGV[2], tonumber(ARGV[3])
local announcer, reported, all, groupsOf, standbyOf = cjson.decode(ARGV[4]), cjson.decode(ARGV[5]), ARGV[6] == 'all', ARGV[8], ARGV[9]
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local version = string.format('%.0f', time[1] * 1000000 + time[2])

local incarnation = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
local before = redis.call('ZSCORE', leases, node)
if not all and (ARGV[7] ~= incarnation or not before) then return {'report', incarnation} end
redis.call('ZADD', leases, nowMs + leaseMs, node)
local said = redis.call('HGET', announcers, node)
local changed = said and cjson.encode(cjson.decode(said).interfaces) ~= cjson.encode(announcer.interfaces)
if changed then
  for _, group in ipairs(redis.call('SMEMBERS', groupsOf .. node)) do redis.call('ZADD', ARGV[10], version, group) end
end
redis.call('HSET', announcers, node, ARGV[4])

local function index(placement, change)
  if placement.owner ~= cjson.null then redis.call(change, groupsOf .. placement.owner.node, placement.group) end
  for _, standby in ipairs(placement.standbys) do redis.call(change, standbyOf .. standby.node, placement.group) end
end

local number = math.max(tonumber(redis.call('HGET', epochs, 'number') or '0'), announcer.epoch or 0)
for _, placement in ipairs(reported) do
  number = math.max(number, placement.epoch.number)
  local text = redis.call('HGET', placements, placement.group)
  local known = text and cjson.decode(text) or nil
  local older = known and known.v == 1 and (known.epoch.number < placement.epoch.number
    or (known.epoch.number == placement.epoch.number and known.epoch.node < placement.epoch.node))
  if not known or older then
    if known then index(known, 'SREM') end
    redis.call('HSET', placements, placement.group, cjson.encode(placement))
    index(placement, 'SADD')
    if #placement.standbys > 1 then redis.call('SREM', wanting, placement.group) end
    for _, address in ipairs(placement.addresses) do -- announced by now, whether it was probed or not
      if string.sub(redis.call('HGET', lan, address) or '', 1, 8) == 'unprobed' then redis.call('HDEL', lan, address) end
    end
    redis.call('ZADD', dirtyPlace, version, cluster .. '/' .. placement.group)
    redis.call('ZADD', ARGV[10], version, placement.group)
  end
end
redis.call('HSET', epochs, 'number', string.format('%.0f', number))

local alive = redis.call('ZRANGEBYSCORE', leases, '(' .. nowMs, '+inf')
local again = {}
if changed then again = redis.call('SUNION', wanting, groupsOf .. node, standbyOf .. node)
elseif not before or tonumber(before) <= nowMs then again = redis.call('SMEMBERS', wanting) end
for _, group in ipairs(again) do redis.call('ZADD', dirtyPlace, version, cluster .. '/' .. group) end
return {'renewed', incarnation, alive, again}
