-- adopt.lua: takes over what Kubernetes says Services hold, after an empty, older or new Redis.
--
-- Why a script: allocators run meanwhile (claim.lua refuses until the end step), and a flush or a restart
-- of Redis in the middle must void everything done so far: the nonce is stored together with the
-- incarnation it was begun in, and every step compares both.
--
-- KEYS  1 allocations  2 addresses  3 adopted  4 adopting  5 set of those adopted in this round
--       6 dirty:allocate  7 dirty:place  8 history
-- ARGV  1 cluster  2 nonce  3 step  4 prefix of pages  5 prefix of shareable sets
--       6 JSON list for step "adopt", older assignments first: {service, uid, addresses = {{address, page,
--         offset}}, pool, sharing, backend, ports, sinceMs}
-- Steps and returns
--   begin  "current" nothing to do | "busy" another watcher is at it | "begun"
--   adopt  {"adopted", {conflicts}}: a conflict is "service address holder" | "superseded"
--   end    "adopted" | "superseded"
local allocations, addresses, adopted, adopting, round, dirtyAllocate, dirtyPlace, history = unpack(KEYS)
local cluster, nonce, step, pages, shareable = unpack(ARGV, 1, 5)
local SILENCE_MS = 10000 -- a watcher that died half way is replaced after this
local incarnation = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
local mine = nonce .. ' ' .. incarnation

if step == 'begin' then
  if redis.call('HGET', adopted, cluster) == incarnation then return 'current' end
  local other = redis.call('GET', adopting)
  if other and other ~= mine and string.match(other, '%S+$') == incarnation then return 'busy' end
  redis.call('HDEL', adopted, cluster)
  redis.call('SET', adopting, mine, 'PX', SILENCE_MS)
  redis.call('DEL', round)
  return 'begun'
end

if redis.call('GET', adopting) ~= mine then return 'superseded' end
if step == 'end' then
  redis.call('HSET', adopted, cluster, incarnation)
  redis.call('DEL', adopting, round)
  return 'adopted'
end
redis.call('PEXPIRE', adopting, SILENCE_MS)

local time = redis.call('TIME')
local version = string.format('%.0f', time[1] * 1000000 + time[2])

local function load(address)
  local stored = redis.call('HGET', addresses, address)
  return stored and cjson.decode(stored) or nil
end

local function give(address, id)
  local entry = load(address)
  if not entry or not entry.holders[id] then return end
  entry.holders[id] = nil
  redis.call('ZADD', dirtyPlace, version, cluster .. '/' .. address)
  if next(entry.holders) then
    redis.call('HSET', addresses, address, cjson.encode(entry))
  else
    redis.call('HDEL', addresses, address)
    redis.call('SETBIT', pages .. entry.page, entry.offset, 0)
    if entry.sharingKey ~= '' then
      redis.call('SREM', shareable .. cluster .. '/' .. entry.sharingKey,
        entry.page .. ' ' .. entry.offset .. ' ' .. address)
    end
  end
end

local function together(entry, detail, item)
  if entry.sharingKey == '' or entry.sharingKey ~= item.sharing or entry.backendKey ~= item.backend then
    return false
  end
  for _, theirs in ipairs(detail.ports) do
    for _, ours in ipairs(item.ports) do
      if theirs == ours then return false end
    end
  end
  return true
end

-- Somebody else's record of this address: respected when adopted in this round or of another cluster,
-- stale otherwise (an older Redis), and then taken from him.
local function rival(entry, id, item)
  for holder, detail in pairs(entry and entry.holders or {}) do
    if holder ~= id and not (entry.cluster == cluster and together(entry, detail, item)) then
      if entry.cluster ~= cluster or redis.call('SISMEMBER', round, holder) == 1 then return holder end
    end
  end
  return nil
end

local function evict(entry, id, item, address)
  for holder, detail in pairs(entry and entry.holders or {}) do
    if holder ~= id and not together(entry, detail, item) then
      give(address, holder)
      local name = string.sub(holder, #cluster + 2)
      local stored = redis.call('HGET', allocations, name)
      if stored then
        local allocation = cjson.decode(stored)
        local rest = {}
        for _, one in ipairs(allocation.addresses) do
          if one ~= address then rest[#rest + 1] = one end
        end
        allocation.addresses = rest
        redis.call('HSET', allocations, name, cjson.encode(allocation))
      end
      redis.call('ZADD', dirtyAllocate, version, holder)
    end
  end
end

local function adopt(item, conflicts)
  local id = cluster .. '/' .. item.service
  local text = redis.call('HGET', allocations, item.service)
  local held = text and cjson.decode(text) or { addresses = {} }
  local list, keep = {}, {}
  for _, place in ipairs(item.addresses) do
    local entry = load(place.address)
    local other = rival(entry, id, item)
    if other then
      conflicts[#conflicts + 1] = item.service .. ' ' .. place.address .. ' ' .. other
    else
      evict(entry, id, item, place.address)
      entry = load(place.address) or { v = 1, page = place.page, offset = place.offset, holders = {} }
      entry.pool, entry.cluster, entry.after = item.pool, cluster, nil
      entry.sharingKey, entry.backendKey = item.sharing, item.backend
      entry.holders[id] = { uid = item.uid, ports = item.ports, sinceMs = item.sinceMs }
      redis.call('HSET', addresses, place.address, cjson.encode(entry))
      redis.call('SETBIT', pages .. place.page, place.offset, 1)
      if item.sharing ~= '' then
        redis.call('SADD', shareable .. cluster .. '/' .. item.sharing,
          place.page .. ' ' .. place.offset .. ' ' .. place.address)
      end
      redis.call('ZADD', dirtyPlace, version, cluster .. '/' .. place.address)
      list[#list + 1], keep[place.address] = place.address, true
    end
  end
  for _, address in ipairs(held.addresses) do
    if not keep[address] then give(address, id) end
  end
  redis.call('SADD', round, id)
  if table.concat(list, ',') ~= table.concat(held.addresses, ',') then
    redis.call('XADD', history, 'MAXLEN', '~', 10000, '*', 'what', 'adopted', 'service', id, 'uid', item.uid,
      'addresses', table.concat(list, ','), 'why', 'found in status')
  end
  redis.call('HSET', allocations, item.service, cjson.encode({
    v = 1, uid = item.uid, addresses = list, pool = item.pool, sinceMs = item.sinceMs,
    refusal = held.refusal or cjson.null, incarnation = incarnation,
  }))
  redis.call('ZADD', dirtyAllocate, version, id)
end

local conflicts = {}
for _, item in ipairs(cjson.decode(ARGV[6])) do adopt(item, conflicts) end
return {'adopted', conflicts}
