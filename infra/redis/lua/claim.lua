-- claim.lua: decides what a Service holds from now on, in one atomic step.
--
-- Why a script: "is it free, may it be shared?", "take it" and "give the old one up" must be one step, or
-- two allocators hand out one address, or a Service stands without one between two steps.
--
-- KEYS  1 services   2 allocations  3 addresses  4 waiting  5 adopted  6 history
--       7 dirty:allocate  8 dirty:place  9 dirty:publish-<cluster>  10 wishes  11 resting  12 returning
-- ARGV  1 prefix of pages  2 prefix of shareable sets  3 request, JSON:
--   cluster, service   "default", "namespace/name"
--   uid, version       of the Service record decided from; the claim is void if it has changed since
--   clusters           names of all clusters whose adoption must be complete
--   expected           addresses held when this was decided, joined with ","; void if changed since
--   sharing, backend, ports   what sharers must agree on; "" = not shared; ports like "TCP/80"
--   options            in order of preference: {pool, parts, lacking}; the first whose every part can be had
--                      wins. A part is {exact = {address, page, offset}} or {windows = {...}, buggy = bool}.
--                      lacking: more is wanted than this gives, so the Service goes on waiting
--   resting            true: no address is free any more, those that rest (cool-down) may be taken
--   otherwise          when no option can be had: "next" changes nothing, another call follows; "keep" or
--                      "release" what is held. What no longer fits the other sharers is never kept
--   keepPool           the pool that what is kept belongs to
--   wish               {pools = {{pool, families}}, addresses}: what a Service that keeps would rather have
--   forget             the Service is gone: its allocation record goes with what it held
--   refusal            recorded with "keep" and "release": {reason, message}, or absent
--   cleared            said (ClearAssignment) when what was held is lost; absent when it was asked for
--   additional         said (AdditionalAssignFailed) with an option that is lacking
--   restMs             how long an address given up now rests; 0: it is free at once
--   reserveMs          how long one claimed now stays reserved for this Service once it is deleted; -1 = for ever
--   wait               put the Service among those that wait when no option can be had
--   why                for the history
--
-- Returns {"claimed"|"kept"|"refused"|"released", addresses, pool, reasons, rung, resting}
--           reasons: one for each option tried in vain: "full <part>", "taken <who> <address>",
--           "reserved <who> <address>", "port <port> <who> <address>"; rung: keys of bells to be rung, for
--           there may be room now; resting: how many addresses rest
--         {"changed"}     the Service or what it holds is not what this was decided from: decide again
--         {"unadopted"}   addresses found in status are not all known yet in this life of Redis
-- Idempotent: a repeated claim finds its own address and changes nothing.
local services, allocations, addresses, waiting, adopted, history = unpack(KEYS, 1, 6)
local dirtyAllocate, dirtyPlace, dirtyPublish, wishes, resting, returning = unpack(KEYS, 7, 12)
local pages, shareable = ARGV[1], ARGV[2]
local request = cjson.decode(ARGV[3])
local id = request.cluster .. '/' .. request.service
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local version = time[1] * 1000000 + time[2]

local incarnation = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
for _, cluster in ipairs(request.clusters) do
  if redis.call('HGET', adopted, cluster) ~= incarnation then return {'unadopted'} end
end

local record = redis.call('HGET', services, request.service)
if (record and string.match(record, '^%d+') or '') ~= request.version then return {'changed'} end

local text = redis.call('HGET', allocations, request.service)
local held = text and cjson.decode(text) or { addresses = {} }
if table.concat(held.addresses, ',') ~= request.expected then return {'changed'} end

local heldPool = type(held.pool) == 'string' and held.pool or nil -- not cjson.null
local function dirty(set, key) redis.call('ZADD', set, string.format('%.0f', version), key) end

local function load(address)
  local stored = redis.call('HGET', addresses, address)
  return stored and cjson.decode(stored) or nil
end

local function save(address, entry)
  redis.call('HSET', addresses, address, cjson.encode(entry))
end

local function free(address, entry)
  redis.call('HDEL', addresses, address)
  redis.call('SETBIT', pages .. entry.page, entry.offset, 0)
end

local function forgetReturn(service, address)
  local stored, rest = redis.call('HGET', returning, service), {}
  for _, one in ipairs(stored and cjson.decode(stored) or {}) do
    if one ~= address then rest[#rest + 1] = one end
  end
  if #rest > 0 then redis.call('HSET', returning, service, cjson.encode(rest))
  else redis.call('HDEL', returning, service) end
end

-- Addresses whose rest or reservation has ended; a handful a call, since only a claim could miss them.
local restingCount = redis.call('ZCARD', resting)
local ended = restingCount > 0 and redis.call('ZRANGEBYSCORE', resting, '-inf', nowMs, 'LIMIT', 0, 64) or {}
for _, address in ipairs(ended) do
  local entry = load(address)
  if entry and entry.after and not next(entry.holders) then
    free(address, entry)
    forgetReturn(entry.after.service, address)
  end
  redis.call('ZREM', resting, address)
end

-- Why this Service may not have an address that is recorded as `entry`; nil when it may.
-- Sharing rules: metallb-behaviour 4.7. A sole holder may change its own key, backend and ports.
local function obstacle(entry, address)
  if not entry then return nil end
  if entry.after and entry.after.reserved and entry.after.service ~= id then
    return 'reserved ' .. entry.after.service .. ' ' .. address
  end
  for holder, detail in pairs(entry.holders) do
    if holder ~= id then
      if entry.sharingKey == '' or entry.sharingKey ~= request.sharing
          or entry.backendKey ~= request.backend or entry.cluster ~= request.cluster then
        return 'taken ' .. holder .. ' ' .. address
      end
      for _, theirs in ipairs(detail.ports) do
        for _, ours in ipairs(request.ports) do
          if theirs == ours then return 'port ' .. theirs .. ' ' .. holder .. ' ' .. address end
        end
      end
    end
  end
  return nil
end

-- First zero bit of from..to, or nil. Byte-wise BITPOS (bit-wise needs Redis 7).
local function firstZero(key, from, to)
  local length = redis.call('STRLEN', key) * 8
  if from >= length then return from end
  local at = redis.call('BITPOS', key, 0, math.floor(from / 8), math.floor(to / 8))
  if at >= 0 and at < from then -- a zero before the window, in its first byte: look at the rest of that byte
    local stop = math.min(to, math.floor(from / 8) * 8 + 7)
    for bit = from, stop do
      if redis.call('GETBIT', key, bit) == 0 then return bit end
    end
    if stop == to then return nil end
    at = redis.call('BITPOS', key, 0, math.floor(stop / 8) + 1, math.floor(to / 8))
  end
  if at < 0 then at = length end
  if at > to then return nil end
  return at
end

-- .0 and .255 are skipped by searching on; at most two follow each other.
local function firstFree(window, buggy)
  local from = window.from
  while from <= window.to do
    local at = firstZero(pages .. window.page, from, window.to)
    if not at or not buggy or (at % 256 ~= 0 and at % 256 ~= 255) then return at end
    from = at + 1
  end
  return nil
end

local function usable(window, buggy, place)
  return place.page == window.page and place.offset >= window.from and place.offset <= window.to
    and not (buggy and (place.offset % 256 == 0 or place.offset % 256 == 255))
end

local function placeOf(address)
  local entry = load(address)
  if not entry or obstacle(entry, address) then return nil end
  return { address = address, page = entry.page, offset = entry.offset }
end

-- Addresses with a set bit that this Service may have all the same. `back`: last held by it, and resting or
-- reserved since: preferred. `joint`: held by it now, or shareable by its key: as good as free. `rested`:
-- anybody's that rest, longest first: better than none.
local known
local function knownPlaces()
  if known then return known end
  known = { back = {}, joint = {}, rested = {} }
  local function add(list, address)
    local place = placeOf(address)
    if place then list[#list + 1] = place end
  end
  local back = redis.call('HGET', returning, id)
  for _, address in ipairs(back and cjson.decode(back) or {}) do
    local entry = load(address)
    if entry and entry.after and entry.after.service == id then add(known.back, address) end
  end
  for _, address in ipairs(held.addresses) do add(known.joint, address) end
  if request.sharing ~= '' then
    for _, member in ipairs(redis.call('SMEMBERS', shareable .. request.cluster .. '/' .. request.sharing)) do
      add(known.joint, string.match(member, '%S+$'))
    end
  end
  if request.resting then
    for _, address in ipairs(redis.call('ZRANGE', resting, 0, -1)) do add(known.rested, address) end
  end
  return known
end

local function knownIn(list, part, window)
  for _, place in ipairs(list) do
    if usable(window, part.buggy, place) then return place end
  end
  return nil
end

local function lowestIn(part, window)
  local best
  for _, place in ipairs(knownPlaces().joint) do
    if usable(window, part.buggy, place) and (not best or place.offset < best.offset) then best = place end
  end
  local at = firstFree(window, part.buggy)
  if not at or best and best.offset < at then return best end
  local address = at == 0 and window.zero
    or window.prefix .. (string.sub(window.page, 1, 1) == '4'
      and math.floor(at / 256) .. '.' .. at % 256 or string.format('%x', at))
  return { address = address, page = window.page, offset = at }
end

local function search(part, index)
  if part.exact then
    local why = obstacle(load(part.exact.address), part.exact.address)
    if why then return nil, why end
    return part.exact
  end
  for _, window in ipairs(part.windows) do
    local place = knownIn(knownPlaces().back, part, window)
    if place then return place end
  end
  for _, window in ipairs(part.windows) do
    local place = request.resting and knownIn(knownPlaces().rested, part, window) or lowestIn(part, window)
    if place then return place end
  end
  return nil, 'full ' .. index
end

local function find()
  local reasons = {}
  for index, option in ipairs(request.options) do
    local found, why = {}, nil
    for at, part in ipairs(option.parts) do
      local place
      place, why = search(part, at)
      if not place then break end
      found[#found + 1] = place
    end
    if #found == #option.parts then return option, found, reasons end
    reasons[index] = why
  end
  return nil, nil, reasons
end

local function setOf(key) return shareable .. request.cluster .. '/' .. key end
local function member(entry, address) return entry.page .. ' ' .. entry.offset .. ' ' .. address end

-- True when the record of an address held already says something new: others may fit now who did not.
local function take(place, pool)
  local entry = load(place.address)
    or { v = 1, page = place.page, offset = place.offset, sharingKey = '', backendKey = '', holders = {} }
  local mine = entry.holders[id]
  local changed = mine ~= nil and (entry.sharingKey ~= request.sharing or entry.backendKey ~= request.backend
    or table.concat(mine.ports, ',') ~= table.concat(request.ports, ','))
  if entry.after then forgetReturn(entry.after.service, place.address) end
  entry.pool, entry.cluster, entry.after = pool, request.cluster, nil
  if entry.sharingKey ~= '' and entry.sharingKey ~= request.sharing then
    redis.call('SREM', setOf(entry.sharingKey), member(entry, place.address))
  end
  entry.sharingKey, entry.backendKey = request.sharing, request.backend
  entry.holders[id] = {
    uid = request.uid, ports = request.ports, sinceMs = mine and mine.sinceMs or nowMs,
    reserveMs = request.reserveMs ~= 0 and request.reserveMs or nil,
  }
  save(place.address, entry)
  redis.call('SETBIT', pages .. place.page, place.offset, 1)
  redis.call('ZREM', resting, place.address)
  if request.sharing ~= '' then
    redis.call('SADD', setOf(request.sharing), member(entry, place.address))
  end
  dirty(dirtyPlace, request.cluster .. '/' .. place.address)
  return changed
end

-- An address that nobody holds any more is free, rests, or stays reserved.
local function layDown(address, entry, reserveMs)
  if entry.sharingKey ~= '' then redis.call('SREM', setOf(entry.sharingKey), member(entry, address)) end
  if reserveMs == 0 and request.restMs == 0 then return free(address, entry) end
  local untilMs = reserveMs < 0 and -1 or nowMs + (reserveMs > 0 and reserveMs or request.restMs)
  entry.sharingKey, entry.backendKey = '', ''
  entry.after = { service = id, untilMs = untilMs, reserved = reserveMs ~= 0 }
  save(address, entry)
  if untilMs > 0 then redis.call('ZADD', resting, untilMs, address) end
  local back = redis.call('HGET', returning, id)
  local list = back and cjson.decode(back) or {}
  if #list > 3 then table.remove(list, 1) end
  list[#list + 1] = address
  redis.call('HSET', returning, id, cjson.encode(list))
end

local function give(address)
  local entry = load(address)
  if not entry or not entry.holders[id] then return end
  local reserveMs = request.forget and entry.holders[id].reserveMs or 0
  entry.holders[id] = nil
  if next(entry.holders) then save(address, entry) else layDown(address, entry, reserveMs) end
end

local function note(what, list, pool)
  redis.call('XADD', history, 'MAXLEN', '~', 10000, '*', 'what', what, 'service', id, 'uid', request.uid,
    'addresses', table.concat(list, ','), 'pool', pool or '', 'why', request.why)
end

-- Gives up what is held and not in `keep`; says whether anything was.
local function giveAllBut(keep)
  local given = {}
  for _, address in ipairs(held.addresses) do
    if not keep[address] then
      give(address)
      dirty(dirtyPlace, request.cluster .. '/' .. address)
      given[#given + 1] = address
    end
  end
  if #given > 0 then note('released', given, heldPool) end
  return #given > 0
end

-- Whoever waits may have room now: their bells are made dirty here and rung by the caller. Where many wait,
-- one bell stands for all of them, so that many releases cost one walk.
local function wake(room)
  if not room then return {} end
  local keys = redis.call('ZRANGE', waiting, 0, 99)
  if redis.call('ZCARD', waiting) > 100 then keys = { request.cluster .. '/waiting' } end
  for _, key in ipairs(keys) do dirty(dirtyAllocate, key) end
  return keys
end

local function write(list, pool, sinceMs, refusal, notices)
  redis.call('HSET', allocations, request.service, cjson.encode({
    v = 1, uid = request.uid, addresses = list, pool = pool or cjson.null, sinceMs = sinceMs,
    refusal = refusal or cjson.null, notices = #notices > 0 and notices or nil, incarnation = incarnation,
  }))
  dirty(dirtyPublish, 'service/' .. request.service)
end

local function answer(outcome, list, pool, reasons, room)
  return {outcome, list, pool or '', reasons, wake(room), restingCount}
end

-- Two that each keep what the other asks for would wait for ever: one of them has to let go first.
local function wants(wish, allocation)
  for _, address in ipairs(allocation.addresses) do
    for _, one in ipairs(wish.addresses) do
      if one == address then return true end
    end
    local family = string.find(address, ':', 1, true) and 'IPv6' or 'IPv4'
    for _, one in ipairs(wish.pools) do
      for _, wanted in ipairs(one.families) do
        if one.pool == allocation.pool and wanted == family then return true end
      end
    end
  end
  return false
end

-- Only who was refused has a wish.
local function unwish()
  if type(held.refusal) == 'table' then redis.call('HDEL', wishes, id) end
end

local function deadlocked()
  if not request.wish or redis.call('HLEN', wishes) > 200 then return false end
  local others, flat = {}, redis.call('HGETALL', wishes)
  for i = 1, #flat, 2 do
    local name = string.sub(flat[i], #request.cluster + 2)
    local stored = string.sub(flat[i], 1, #request.cluster + 1) == request.cluster .. '/'
      and flat[i] ~= id and redis.call('HGET', allocations, name)
    if stored then others[flat[i]] = { wish = cjson.decode(flat[i + 1]), has = cjson.decode(stored) } end
  end
  local todo = { request.wish }
  while #todo > 0 do
    local wish = table.remove(todo)
    for other, one in pairs(others) do
      if wants(wish, one.has) then
        if wants(one.wish, held) then return true end
        others[other] = nil
        todo[#todo + 1] = one.wish
      end
    end
  end
  return false
end

local option, found, reasons = find()
if found then
  local list, keep, room, notices = {}, {}, false, {}
  for index, place in ipairs(found) do list[index], keep[place.address] = place.address, true end
  local same = table.concat(list, ',') == request.expected and heldPool == option.pool
  for _, place in ipairs(found) do room = take(place, option.pool) or room end
  local lost = giveAllBut(keep)
  if lost and request.cleared then
    notices[1] = { reason = 'ClearAssignment', message = request.cleared }
  elseif option.lacking then
    notices[1] = { reason = 'AdditionalAssignFailed', message = request.additional }
  end
  if not same then note('claimed', list, option.pool) end
  write(list, option.pool, same and held.sinceMs or nowMs, nil, notices)
  unwish()
  if option.lacking then redis.call('ZADD', waiting, 'NX', nowMs, id) else redis.call('ZREM', waiting, id) end
  return answer(same and 'kept' or 'claimed', list, option.pool, reasons, lost or room)
end

if request.wait then redis.call('ZADD', waiting, 'NX', nowMs, id) else redis.call('ZREM', waiting, id) end
if request.otherwise == 'next' then return answer('refused', held.addresses, heldPool, reasons, false) end

local keeps = request.otherwise == 'keep' and #held.addresses > 0
local unfit, keepPool = false, request.keepPool or heldPool
for _, address in ipairs(keeps and held.addresses or {}) do
  unfit = unfit or not placeOf(address)
end
if keeps and not unfit and not deadlocked() then
  local room = false
  for _, address in ipairs(held.addresses) do room = take(placeOf(address), keepPool) or room end
  write(held.addresses, keepPool, held.sinceMs, request.refusal, {})
  if request.wish then redis.call('HSET', wishes, id, cjson.encode(request.wish)) else unwish() end
  return answer('refused', held.addresses, keepPool, reasons, room)
end

local lost = giveAllBut({})
unwish()
if request.forget then
  redis.call('HDEL', allocations, request.service)
else
  local cleared = lost and (request.cleared or unfit and 'it no longer fits the others on its address')
  write({}, nil, lost and nowMs or held.sinceMs or nowMs, request.refusal,
    cleared and { { reason = 'ClearAssignment', message = cleared } } or {})
end
return answer('released', {}, '', reasons, lost)
