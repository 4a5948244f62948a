-- place.lua: says which node answers for a group, in one atomic step.
--
-- Why a script: live counts and "who has it now" must be read and written together, or two allocators
-- pile new groups on one node or give one group to two.
--
-- KEYS  1 placements  2 wanting  3 epoch  4 leases  5 adopted
-- ARGV  1 cluster  2 prefix of a node's group set  3 of its standby set  4 of its dirty set  5 request, JSON:
--   group, addresses     no addresses: the group is withdrawn
--   candidates           who may serve it, best order first: {node, interfaces, weight}; interfaces null = all
--   prefer               who is to have it now, if it may; absent: whoever has it
--   lapsed               nodes whose lease is judged to have ended (never judged by a missing key)
--   reason
--   settleMs             after an empty or new Redis nothing is placed for so long: announcers report first
--       6 dirty set of groups placed anew  7 groups handed over, by whom
-- Returns {"wait", ms} | {"same"} | {"nobody"} | {"placed", owner or "", former owner or "", nodes to tell...}
--
-- A group without an owner, or with fewer than two standbys, is written down as wanting: it is placed anew when there is a
-- node more that might serve it (renew.lua).
--
-- Sticky: an owner that is still a candidate stays, and then its standbys do. Else highest weight, then fewest
-- groups, then the order given.
local placements, wanting, epochs, leases, adopted = unpack(KEYS)
local cluster, groupsOf, standbyOf, dirtyOf = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local request, announced = cjson.decode(ARGV[5]), ARGV[6]
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)

local incarnation = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
-- Until everything in Kubernetes is known again, an address without a holder means nothing.
if redis.call('HGET', adopted, cluster) ~= incarnation then return {'wait', request.settleMs} end
if redis.call('HGET', epochs, 'incarnation') ~= incarnation then
  redis.call('HSET', epochs, 'incarnation', incarnation, 'sinceMs', nowMs)
end
local settled = redis.call('HGET', epochs, 'sinceMs') + request.settleMs
if nowMs < settled then return {'wait', settled - nowMs} end

local text = redis.call('HGET', placements, request.group)
local old = text and cjson.decode(text) or nil
if old and old.v ~= 1 then
  return redis.error_reply('LATER the placement of ' .. request.group .. ' is of schema ' .. old.v
    .. ', which this version of Herald does not know: finish the upgrade, or run that version again')
end
local oldOwner = old and old.owner ~= cjson.null and old.owner or nil

local stood = {} -- node -> which standby it was
for place, standby in ipairs(old and old.standbys or {}) do stood[standby.node] = place end

local lapsed = {}
for _, node in ipairs(request.lapsed) do lapsed[node] = true end

-- A node is asked to take over only while its lease runs; the present owner stays unless judged dead.
local usable = {}
for order, candidate in ipairs(request.candidates) do
  local lease = redis.call('ZSCORE', leases, candidate.node)
  local alive = lease and tonumber(lease) > nowMs
  local owns = oldOwner and oldOwner.node == candidate.node
  local first = owns
  if request.prefer then first = candidate.node == request.prefer end
  if (alive or owns) and not lapsed[candidate.node] then
    usable[#usable + 1] = {
      node = candidate.node, interfaces = candidate.interfaces, weight = candidate.weight, order = order,
      owns = first and 1 or 0, count = redis.call('SCARD', groupsOf .. candidate.node),
    }
  end
end
table.sort(usable, function(a, b)
  if a.owns ~= b.owns then return a.owns > b.owns end
  if a.weight ~= b.weight then return a.weight > b.weight end
  if a.count ~= b.count then return a.count < b.count end
  return a.order < b.order
end)
if #request.addresses == 0 then usable = {} end

local function placed(candidate)
  return candidate and { node = candidate.node, interfaces = candidate.interfaces } or nil
end
local owner = placed(usable[1])
if #request.addresses == 0 or owner and owner.node == request.prefer then redis.call('HDEL', ARGV[7], request.group) end
local rest = {}
for i = 2, #usable do rest[#rest + 1] = usable[i] end
table.sort(rest, function(a, b)
  local left, right = stood[a.node] or 3, stood[b.node] or 3
  if left ~= right then return left < right end
  if a.weight ~= b.weight then return a.weight > b.weight end
  if a.count ~= b.count then return a.count < b.count end
  return a.order < b.order
end)
local standbys = { placed(rest[1]), placed(rest[2]) }

local STANDBYS = 2
local wants = #request.addresses > 0 and #usable <= STANDBYS
redis.call(wants and 'SADD' or 'SREM', wanting, request.group)

local function text_of(one)
  if not one or one == cjson.null then return '-' end
  local list = one.interfaces
  return one.node .. '(' .. ((not list or list == cjson.null) and '*' or table.concat(list, ',')) .. ')'
end
local function summary(someOwner, someStandbys, list)
  local parts = { text_of(someOwner) }
  for _, one in ipairs(someStandbys) do parts[#parts + 1] = text_of(one) end
  return table.concat(parts, ' ') .. ' ' .. table.concat(list, ' ')
end
local version = string.format('%.0f', time[1] * 1000000 + time[2])
if old and summary(owner, standbys, request.addresses) == summary(old.owner, old.standbys, old.addresses) then
  return {'same'}
end
if not old and not owner then
  if #request.addresses == 0 then return {'same'} end
  redis.call('ZADD', announced, version, request.group)
  return {'nobody'}
end

local number = redis.call('HINCRBY', epochs, 'number', 1)
redis.call('HSET', placements, request.group, cjson.encode({
  v = 1, group = request.group, addresses = request.addresses,
  epoch = { number = number, node = owner and owner.node or '' },
  owner = owner or cjson.null, standbys = standbys, reason = request.reason, sinceMs = nowMs,
}))

redis.call('ZADD', announced, version, request.group)
local tell, told = {}, {}
local function bell(node)
  if told[node] then return end
  told[node] = true
  tell[#tell + 1] = node
  redis.call('ZADD', dirtyOf .. node, version, request.group)
end
-- Whoever stands by must know for whom: it takes over without asking here.
local function index(someOwner, someStandbys, change)
  if someOwner then
    redis.call(change, groupsOf .. someOwner.node, request.group)
    bell(someOwner.node)
  end
  for _, standby in ipairs(someStandbys) do
    redis.call(change, standbyOf .. standby.node, request.group)
    bell(standby.node)
  end
end
if old then index(oldOwner, old.standbys, 'SREM') end
index(owner, standbys, 'SADD')
return {'placed', owner and owner.node or '', oldOwner and oldOwner.node or '', unpack(tell)}
