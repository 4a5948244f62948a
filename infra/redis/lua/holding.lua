-- holding.lua: what one Service holds: compared with what a decision was made from, and changed. Stands between
-- book.lua and claim.lua or conclude.lua.
--
-- ARGV  1 the request; a line a field (an ARGV each would cost more than the whole parse):
--   service    "namespace/name"
--   uid
--   version    of the Service record decided from; the request is void if it has changed since
--   expected   addresses held when this was decided, joined with ","; void if changed since
--   others     names of the other clusters on this Redis, with ","; their adoption must be complete too
--   sharing, backend   what sharers must agree on; sharing "" = not shared
--   ports      like "TCP/80", each followed by ","
--   restMs     how long an address given up now rests; 0: it is free at once
--   reserveMs  how long one held now stays reserved for this Service once it is deleted; -1 = for ever
--   wait       "1": put the Service among those that wait when it does not get what it asks for
--   why        for the history
--   cleared    "reason message", said when what was held is lost; "" when it was asked for
--
-- Returns early
--   "changed"    the Service or what it holds is not what this was decided from: decide again
--   "unadopted"  addresses found in status are not all known yet in this life of Redis
-- else, as one text (a nested reply costs its reader 4 us), a line each: outcome, addresses, pool, how many addresses
--   rest, keys of bells to be rung (there may be room now), reasons; lists joined with ","
--
-- An allocation: "2 sinceMs incarnation uid", addresses joined with ",", pool, refusal (JSON) or "", notice
-- (JSON) or "" (reading it: records.ts)
local service, uid, recordVersion, expected, othersNames, sharing, backend, ports, restMs, reserveMs, wait, why,
  cleared = string.match(ARGV[1], '^([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n'
  .. '([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n$')
local id = KEY.cluster .. '/' .. service

if redis.call('HGET', KEY.adopted, KEY.cluster) ~= incarnation then return 'unadopted' end
if othersNames ~= '' then
  for one in string.gmatch(othersNames, '[^,]+') do
    if redis.call('HGET', KEY.adopted, one) ~= incarnation then return 'unadopted' end
  end
end

local record = redis.call('HGET', KEY.services, service)
if (record and string.match(record, '^%d+') or '') ~= recordVersion then return 'changed' end

local heldSince, heldAddresses, heldPool, heldRefusal, heldNotice = nil, '', '', '', ''
local held = redis.call('HGET', KEY.allocations, service)
if held then
  heldSince, heldAddresses, heldPool, heldRefusal, heldNotice =
    string.match(held, '^2 (%d+) [^\n]*\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)')
end
if heldAddresses ~= expected then return 'changed' end

local function listOf(text)
  local list = {}
  for one in string.gmatch(text, '[^,]+') do list[#list + 1] = one end
  return list
end

-- Addresses that a Service gave up and that rest or are reserved for it, joined with ",".
local function forgetReturn(whose, address)
  local rest = {}
  for _, one in ipairs(listOf(redis.call('HGET', KEY.returning, whose) or '')) do
    if one ~= address then rest[#rest + 1] = one end
  end
  if #rest > 0 then redis.call('HSET', KEY.returning, whose, table.concat(rest, ','))
  else redis.call('HDEL', KEY.returning, whose) end
end

-- Addresses whose rest or reservation has ended; a handful a call, since only a claim could miss them.
local restingCount = redis.call('ZCARD', KEY.resting)
if restingCount > 0 then
  for _, address in ipairs(redis.call('ZRANGEBYSCORE', KEY.resting, '-inf', now, 'LIMIT', 0, 64)) do
    local entry = load(address)
    local whose, how = string.match(entry and entry.lines or '', '^%- (%S+) %S+ (%S+)')
    if whose then
      free(address, entry)
      forgetReturn(whose, address)
      if how == 'reserved' then reserve(address, whose) end
    end
    redis.call('ZREM', KEY.resting, address)
  end
end

-- Why this Service may not have an address that is recorded as `entry`; nil when it may.
-- Sharing rules: metallb-behaviour 4.7. A sole holder may change its own key, backend and ports.
local function obstacle(entry, address)
  if not entry then return nil end
  local reservedFor = string.match(entry.lines, '^%- (%S+) %S+ reserved\n')
  if reservedFor and reservedFor ~= id then return 'reserved ' .. reservedFor .. ' ' .. address end
  for holder, theirs in string.gmatch(entry.lines, '([^ \n]+) [^ \n]* %d+ %-?%d+ ([^\n]*)\n') do
    if holder ~= id then
      if entry.sharing == '' or entry.sharing ~= sharing or entry.backend ~= backend
          or entry.cluster ~= KEY.cluster then
        return 'taken ' .. holder .. ' ' .. address
      end
      for port in string.gmatch(theirs, '[^,]+,') do
        if string.find(',' .. ports, ',' .. port, 1, true) then
          return 'port ' .. string.sub(port, 1, -2) .. ' ' .. holder .. ' ' .. address
        end
      end
    end
  end
  -- Its holders are about to give it up.
  local whose = string.match(redis.call('HGET', KEY.reservations, address) or '', '^[^/]+/~/%S+')
  return whose and 'reserved ' .. whose .. ' ' .. address
end

-- True when the record of an address held already says something new: others may fit now who did not. `asking`: one that
-- nobody held is new on the LAN, and was asked for so ("automatic", "named"): it is probed before it is announced.
local function take(place, entry, pool, asking)
  local since, changed = now, false
  if asking and not string.find(entry and entry.lines or '', '^[^-]') then
    local reserved = entry and string.find(entry.lines, ' reserved\n', 1, true)
    redis.call('HSET', KEY.lan, place.address, 'unprobed ' .. (reserved and 'named' or asking))
  end
  if entry then
    local sinceMs, recorded = string.match(apart(entry.lines, id) or '', '^%S+ %S* (%d+) %S+ (.*)\n')
    if sinceMs then
      since = sinceMs
      changed = entry.sharing ~= sharing or entry.backend ~= backend or recorded ~= ports
    end
    local whose, how = string.match(entry.lines, '^%- (%S+) %S+ (%S+)')
    if whose then
      forgetReturn(whose, place.address)
      redis.call('ZREM', KEY.resting, place.address)
      local reserved = how == 'reserved' and redis.call('HGET', KEY.reservations, place.address)
      if reserved and string.match(reserved, 'annotation$') then reserve(place.address, whose) end
    end
  end
  local line = uid .. ' ' .. since .. ' ' .. reserveMs .. ' ' .. ports
  enter(place, entry, id, line, pool, sharing, backend)
  dirty(KEY.dirtyPlace, KEY.cluster .. '/' .. place.address)
  return changed
end

-- Gives up what is held and not in `keep` ("," before and after each); says whether anything was.
-- `gone`: the Service was deleted.
local function giveAllBut(keep, gone)
  if expected == '' then return false end

  -- An address that nobody holds any more is free, rests, or stays reserved. What was reserved by hand outlives whoever
  -- held it meanwhile.
  local function layDown(address, entry, reservedMs)
    local whose, untilMs = string.match(redis.call('HGET', KEY.reservations, address) or '', '^(%S+) (%S+)')
    if whose and untilMs ~= '-1' and tonumber(untilMs) <= tonumber(now) then
      reserve(address, whose)
      whose = nil
    end
    local reserved = whose or reservedMs ~= '0'
    if not whose then
      local rest = reserved and reservedMs or restMs
      if rest == '0' then return free(address, entry) end
      whose, untilMs = id, rest == '-1' and '-1' or string.format('%.0f', now + rest)
      if reserved then reserve(address, id, untilMs, 'annotation') end
    end
    entry.sharing, entry.backend = '', ''
    entry.lines = '- ' .. whose .. ' ' .. untilMs .. ' ' .. (reserved and 'reserved' or 'rests') .. '\n'
    save(address, entry)
    if reserved then redis.call('HSET', KEY.reserved, markOf(entry), untilMs) end
    if untilMs ~= '-1' then redis.call('ZADD', KEY.resting, untilMs, address) end
    local list = listOf(redis.call('HGET', KEY.returning, whose) or '')
    if #list > 3 then table.remove(list, 1) end
    list[#list + 1] = address
    redis.call('HSET', KEY.returning, whose, table.concat(list, ','))
  end

  local given = ''
  for address in string.gmatch(expected, '[^,]+') do
    if not string.find(keep, ',' .. address .. ',', 1, true) then
      local entry = load(address)
      local mine = entry and apart(entry.lines, id)
      if mine and strike(address, entry, id) then
        layDown(address, entry, gone and string.match(mine, '^%S+ %S* %d+ (%S+)') or '0')
      end
      dirty(KEY.dirtyPlace, KEY.cluster .. '/' .. address)
      given = given .. (given == '' and '' or ',') .. address
    end
  end
  if given == '' then return false end
  note('released', id, uid, given, heldPool, why)
  return true
end

-- Whoever waits may have room now: their bells are made dirty here and rung by the caller. Where many wait,
-- one bell stands for all of them, so that many releases cost one walk.
local function wake()
  local count = redis.call('ZCARD', KEY.waiting)
  if count == 0 then return '' end
  local keys = count > 100 and { KEY.cluster .. '/waiting' } or redis.call('ZRANGE', KEY.waiting, 0, -1)
  for _, key in ipairs(keys) do dirty(KEY.dirtyAllocate, key) end
  return table.concat(keys, ',')
end

-- That something was lost is said with the write that shows it, which may still be to come when this is decided anew.
local function write(list, pool, sinceMs, refusal, notice)
  if notice == '' and list == heldAddresses and pool == heldPool
      and not string.find(heldNotice, '"AdditionalAssignFailed"', 1, true) then
    notice = heldNotice
  end
  redis.call('HSET', KEY.allocations, service, '2 ' .. sinceMs .. ' ' .. incarnation .. ' ' .. uid .. '\n'
    .. list .. '\n' .. pool .. '\n' .. refusal .. '\n' .. notice .. '\n')
  dirty(KEY.dirtyPublish, 'service/' .. service)
end

local function queueUp(whether)
  if whether then redis.call('ZADD', KEY.waiting, 'NX', now, id) else redis.call('ZREM', KEY.waiting, id) end
end

local function noticeOf(text)
  local reason, message = string.match(text, '^(%S+) (.*)$')
  return cjson.encode({ reason = reason, message = message })
end

local function answer(outcome, list, pool, room, reasons)
  return outcome .. '\n' .. list .. '\n' .. pool .. '\n' .. restingCount .. '\n' .. (room and wake() or '') .. '\n'
    .. (reasons and table.concat(reasons, ',') or '')
end
