-- claim.lua: decides what a Service holds from now on, in one atomic step.
--
-- Why a script: "is it free, may it be shared?", "take it" and "give the old one up" must be one step, or
-- two allocators hand out one address, or a Service stands without one between two steps.
--
-- KEYS  1 services   2 allocations  3 addresses  4 waiting  5 adopted  6 history
--       7 dirty:allocate  8 dirty:place  9 dirty:publish-<cluster>
-- ARGV  1 prefix of pages  2 prefix of shareable sets  3 request, JSON:
--   cluster, service   "default", "namespace/name"
--   uid, version       of the Service record decided from; the claim is void if it has changed since
--   clusters           names of all clusters whose adoption must be complete
--   expected           addresses held when this was decided, joined with ","; void if changed since
--   sharing, backend, ports   what sharers must agree on; "" = not shared; ports like "TCP/80"
--   options            in order of preference: {pool, parts}; the first whose every part can be had wins.
--                      A part is {exact = {address, page, offset}} or {windows = {...}, buggy = bool}
--   otherwise          what happens when no option can be had: "keep" or "release" what is held
--   forget             the Service is gone: its allocation record goes with what it held
--   refusal            recorded with "otherwise": {reason, message}, or absent
--   wait               put the Service among those that wait when no option can be had
--   why                for the history
--
-- Returns {"claimed"|"kept"|"refused"|"released", addresses, pool, reasons, rung}
--           reasons: one a option tried ("full", "taken <who>"); rung: service ids that now have room
--         {"changed"}     the Service or what it holds is not what this was decided from: decide again
--         {"unadopted"}   addresses found in status are not all known yet in this life of Redis
-- Idempotent: a repeated claim finds its own address and changes nothing.
local services, allocations, addresses, waiting, adopted, history = unpack(KEYS, 1, 6)
local dirtyAllocate, dirtyPlace, dirtyPublish = unpack(KEYS, 7, 9)
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
local held = text and cjson.decode(text) or nil
if (held and table.concat(held.addresses, ',') or '') ~= request.expected then return {'changed'} end

local function dirty(set, key) redis.call('ZADD', set, string.format('%.0f', version), key) end

local function load(address)
  local stored = redis.call('HGET', addresses, address)
  return stored and cjson.decode(stored) or nil
end

-- Why this Service may not have an address that is recorded as `entry`; nil when it may.
-- Sharing rules: metallb-behaviour 4.7. A sole holder may change its own key, backend and ports.
local function obstacle(entry)
  if not entry then return nil end
  for holder, detail in pairs(entry.holders) do
    if holder ~= id then
      if entry.sharingKey == '' or entry.sharingKey ~= request.sharing
          or entry.backendKey ~= request.backend or entry.cluster ~= request.cluster then
        return 'taken ' .. holder
      end
      for _, theirs in ipairs(detail.ports) do
        for _, ours in ipairs(request.ports) do
          if theirs == ours then return 'port ' .. theirs .. ' ' .. holder end
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

-- Lowest address of the window that this Service holds or may share with those of its sharing key.
local function firstShareable(window, buggy, below)
  if request.sharing == '' then return nil end
  local best
  for _, member in ipairs(redis.call('SMEMBERS', shareable .. request.cluster .. '/' .. request.sharing)) do
    local page, offset, address = string.match(member, '^(%S+) (%d+) (%S+)$')
    offset = tonumber(offset)
    if page == window.page and offset >= window.from and offset <= window.to
        and (not below or offset < below) and (not best or offset < best.offset)
        and not (buggy and (offset % 256 == 0 or offset % 256 == 255)) and not obstacle(load(address)) then
      best = { address = address, page = page, offset = offset }
    end
  end
  return best
end

local function search(part)
  if part.exact then
    local why = obstacle(load(part.exact.address))
    if why then return nil, why end
    return part.exact
  end
  for _, window in ipairs(part.windows) do
    local at = firstFree(window, part.buggy)
    local shared = firstShareable(window, part.buggy, at)
    if shared then return shared end
    if at then
      local address = at == 0 and window.zero
        or window.prefix .. (string.sub(window.page, 1, 1) == '4'
          and math.floor(at / 256) .. '.' .. at % 256 or string.format('%x', at))
      return { address = address, page = window.page, offset = at }
    end
  end
  return nil, 'full'
end

local function find()
  local reasons = {}
  for index, option in ipairs(request.options) do
    local found, why = {}, nil
    for _, part in ipairs(option.parts) do
      local place
      place, why = search(part)
      if not place then break end
      found[#found + 1] = place
    end
    if #found == #option.parts then return option.pool, found, reasons end
    reasons[index] = why
  end
  return nil, nil, reasons
end

local function member(entry, address) return entry.page .. ' ' .. entry.offset .. ' ' .. address end

local function save(address, entry)
  redis.call('HSET', addresses, address, cjson.encode(entry))
end

local function take(place, pool)
  local entry = load(place.address)
    or { v = 1, page = place.page, offset = place.offset, holders = {} }
  local mine = entry.holders[id]
  entry.pool, entry.cluster = pool, request.cluster
  if entry.sharingKey and entry.sharingKey ~= '' and entry.sharingKey ~= request.sharing then
    redis.call('SREM', shareable .. request.cluster .. '/' .. entry.sharingKey, member(entry, place.address))
  end
  entry.sharingKey, entry.backendKey = request.sharing, request.backend
  entry.holders[id] = { uid = request.uid, ports = request.ports, sinceMs = mine and mine.sinceMs or nowMs }
  save(place.address, entry)
  redis.call('SETBIT', pages .. place.page, place.offset, 1)
  if request.sharing ~= '' then
    redis.call('SADD', shareable .. request.cluster .. '/' .. request.sharing, member(entry, place.address))
  end
end

local function give(address)
  local entry = load(address)
  if not entry or not entry.holders[id] then return end
  entry.holders[id] = nil
  if next(entry.holders) then
    save(address, entry)
  else
    redis.call('HDEL', addresses, address)
    redis.call('SETBIT', pages .. entry.page, entry.offset, 0)
    if entry.sharingKey ~= '' then
      redis.call('SREM', shareable .. request.cluster .. '/' .. entry.sharingKey, member(entry, address))
    end
  end
end

local function note(what, list)
  redis.call('XADD', history, 'MAXLEN', '~', 10000, '*', 'what', what, 'service', id, 'uid', request.uid,
    'addresses', table.concat(list, ','), 'why', request.why)
end

-- Gives up what is held and not in `keep`; says whether anything was.
local function giveAllBut(keep)
  local given = {}
  for _, address in ipairs(held and held.addresses or {}) do
    if not keep[address] then
      give(address)
      dirty(dirtyPlace, request.cluster .. '/' .. address)
      given[#given + 1] = address
    end
  end
  if #given > 0 then note('released', given) end
  return #given > 0
end

-- Whoever waits may have room now: their bells are made dirty here and rung by the caller.
local function wake(released)
  if not released then return {} end
  local ids = redis.call('ZRANGE', waiting, 0, 999)
  for _, waiter in ipairs(ids) do dirty(dirtyAllocate, waiter) end
  return ids
end

local function record_(list, pool, sinceMs, refusal)
  redis.call('HSET', allocations, request.service, cjson.encode({
    v = 1, uid = request.uid, addresses = list, pool = pool or cjson.null, sinceMs = sinceMs,
    refusal = refusal or cjson.null, incarnation = incarnation,
  }))
  dirty(dirtyPublish, 'service/' .. request.service)
end

local pool, found, reasons = find()
if found then
  local list, keep = {}, {}
  for index, place in ipairs(found) do list[index], keep[place.address] = place.address, true end
  local same = table.concat(list, ',') == request.expected and held and held.pool == pool
  for _, place in ipairs(found) do
    take(place, pool)
    dirty(dirtyPlace, request.cluster .. '/' .. place.address)
  end
  local released = giveAllBut(keep)
  if not same then note('claimed', list) end
  record_(list, pool, same and held.sinceMs or nowMs, nil)
  redis.call('ZREM', waiting, id)
  return {same and 'kept' or 'claimed', list, pool, reasons, wake(released)}
end

if request.wait then redis.call('ZADD', waiting, 'NX', nowMs, id) else redis.call('ZREM', waiting, id) end
if request.otherwise == 'keep' then
  if request.refusal then
    record_(held and held.addresses or {}, held and held.pool, held and held.sinceMs or nowMs, request.refusal)
  end
  return {'refused', held and held.addresses or {}, held and held.pool or '', reasons, {}}
end
local released = giveAllBut({})
if request.forget then
  redis.call('HDEL', allocations, request.service)
else
  record_({}, nil, nowMs, request.refusal)
end
return {'released', {}, '', reasons, wake(released)}
