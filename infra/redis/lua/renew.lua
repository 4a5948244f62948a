-- renew.lua: an announcer renews its lease and reports what it answers for.
--
-- KEYS  1 leases  2 announcers  3 epoch  4 unplaced  5 dirty:place  6 placements  7 groups of this node
-- ARGV  1 cluster  2 node  3 lease in ms  4 Announcer, JSON  5 JSON list of placements it answers for, or ""
--       6 incarnation of Redis in which it last reported, or ""
-- Returns {"report", incarnation}: this Redis is new, empty or older; say what you answer for
--         {"renewed", incarnation, groups...}: groups whose `place` bells to ring, those without an owner,
--         when this node was not alive before
--
-- With ARGV[5]: placements that are unknown here, or known with a lesser epoch, are written down as
-- reported. Never is anything taken away.
local leases, announcers, epochs, unplaced, dirtyPlace, placements, groups = unpack(KEYS)
local cluster, node, leaseMs = ARGV[1], ARGV[2], tonumber(ARGV[3])
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local version = string.format('%.0f', time[1] * 1000000 + time[2])

local incarnation = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
local before = redis.call('ZSCORE', leases, node)
if ARGV[5] == '' and (ARGV[6] ~= incarnation or not before) then return {'report', incarnation} end
redis.call('ZADD', leases, nowMs + leaseMs, node)
redis.call('HSET', announcers, node, ARGV[4])

local reported = ARGV[5] ~= '' and cjson.decode(ARGV[5]) or {}
local number = tonumber(redis.call('HGET', epochs, 'number') or '0')
for _, placement in ipairs(reported) do
  number = math.max(number, placement.epoch.number)
  local text = redis.call('HGET', placements, placement.group)
  local known = text and cjson.decode(text) or nil
  local older = known and (known.epoch.number < placement.epoch.number
    or (known.epoch.number == placement.epoch.number and known.epoch.node < placement.epoch.node))
  if not known or older then
    if known and known.owner ~= cjson.null then
      local theirs = string.gsub(groups, '[^:]*$', '') .. known.owner.node
      redis.call('SREM', theirs, placement.group)
    end
    redis.call('HSET', placements, placement.group, cjson.encode(placement))
    redis.call('SADD', groups, placement.group)
    redis.call('ZADD', dirtyPlace, version, cluster .. '/' .. placement.group)
  end
end
redis.call('HSET', epochs, 'number', string.format('%.0f', number))

if before and tonumber(before) > nowMs then return {'renewed', incarnation} end
local waiting = redis.call('SMEMBERS', unplaced)
for _, group in ipairs(waiting) do redis.call('ZADD', dirtyPlace, version, cluster .. '/' .. group) end
return {'renewed', incarnation, unpack(waiting)}
