-- adopt.lua: takes over what Kubernetes says Services hold, after an empty, older or new Redis.
--
-- Why a script: allocators run meanwhile (claim.lua refuses until the end step), and a flush or a restart
-- of Redis in the middle must void everything done so far: the nonce is stored together with the
-- incarnation it was begun in, and every step compares both.
--
-- Stands behind book.lua.
-- ARGV  1 nonce  2 step
--       3 JSON list for step "adopt", older assignments first: {service, uid, addresses = {{address, page,
--         offset}}, pool, sharing, backend, ports, sinceMs}; for step "restore" what was mirrored:
--         {configuration = {decidedUs, text}, reservations = {decidedUs, list = {{address, page, offset,
--         service, untilMs, byHand}}}, drained = {decidedUs, nodes}}, each absent where nothing was
-- Steps and returns
--   begin  "current" nothing to do | "busy" another watcher is at it | "begun"
--   restore  "restored": decisions that Redis lacks, or knows as they were earlier, are as they were mirrored
--            | "superseded"
--   adopt  {"adopted", {conflicts}}: a conflict is "service address holder" | "superseded"
--   end    "adopted" | "superseded"
local nonce, step = ARGV[1], ARGV[2]
local SILENCE_MS = 10000 -- a watcher that died half way is replaced after this
local nonceHere = nonce .. ' ' .. incarnation

if step == 'begin' then
  if redis.call('HGET', KEY.adopted, KEY.cluster) == incarnation then return 'current' end
  local other = redis.call('GET', KEY.adopting)
  if other and other ~= nonceHere and string.match(other, '%S+$') == incarnation then return 'busy' end
  redis.call('HDEL', KEY.adopted, KEY.cluster)
  redis.call('SET', KEY.adopting, nonceHere, 'PX', SILENCE_MS)
  redis.call('DEL', KEY.round)
  return 'begun'
end

if redis.call('GET', KEY.adopting) ~= nonceHere then return 'superseded' end
if step == 'end' then
  redis.call('HSET', KEY.adopted, KEY.cluster, incarnation)
  redis.call('DEL', KEY.adopting, KEY.round)
  return 'adopted'
end
redis.call('PEXPIRE', KEY.adopting, SILENCE_MS)

-- Nobody holds it: it waits for whom it is reserved for, or is free.
local function layDown(address, entry)
  local whose, untilMs = string.match(redis.call('HGET', KEY.reservations, address) or '', '^(%S+) (%S+)')
  if not whose then
    redis.call('ZREM', KEY.resting, address)
    return free(address, entry)
  end
  entry.sharing, entry.backend, entry.lines = '', '', '- ' .. whose .. ' ' .. untilMs .. ' reserved\n'
  save(address, entry)
  redis.call('SETBIT', KEY.pages .. entry.page, entry.offset, 1)
  redis.call('HSET', KEY.reserved, markOf(entry), untilMs)
  if untilMs ~= '-1' then redis.call('ZADD', KEY.resting, untilMs, address) end
  local returns = redis.call('HGET', KEY.returning, whose)
  if returns and string.find(',' .. returns .. ',', ',' .. address .. ',', 1, true) then return end
  redis.call('HSET', KEY.returning, whose, (returns and returns .. ',' or '') .. address)
end

local function give(address, id)
  local entry = load(address)
  if not entry or not apart(entry.lines, id) then return end
  dirty(KEY.dirtyPlace, KEY.cluster .. '/' .. address)
  if strike(address, entry, id) then layDown(address, entry) end
end

-- The holders of an address that may not share it with the item: {id, ...}.
local function strangers(entry, id, item)
  local found = {}
  for holder, theirs in string.gmatch(entry and entry.lines or '', '([^ \n]+) [^ \n]* %d+ %-?%d+ ([^\n]*)\n') do
    local together = entry.cluster == KEY.cluster and entry.sharing ~= '' and entry.sharing == item.sharing
      and entry.backend == item.backend
    for _, ours in ipairs(item.ports) do
      together = together and not string.find(',' .. theirs, ',' .. ours .. ',', 1, true)
    end
    if holder ~= id and not together then found[#found + 1] = holder end
  end
  return found
end

-- A stranger is respected when adopted in this round or of another cluster; else it is stale (an older Redis), and
-- the address is taken from it.
local function rival(entry, others)
  for _, holder in ipairs(others) do
    if entry.cluster ~= KEY.cluster or redis.call('SISMEMBER', KEY.round, holder) == 1 then return holder end
  end
  return nil
end

local function evict(holder, address)
  give(address, holder)
  local name = string.sub(holder, #KEY.cluster + 2)
  local head, list, rest = string.match(redis.call('HGET', KEY.allocations, name) or '', '^([^\n]*\n)([^\n]*)(\n.*)$')
  if head then
    local left = {}
    for one in string.gmatch(list, '[^,]+') do
      if one ~= address then left[#left + 1] = one end
    end
    redis.call('HSET', KEY.allocations, name, head .. table.concat(left, ',') .. rest)
  end
  dirty(KEY.dirtyAllocate, holder)
end

local function adopt(item, conflicts)
  local id = KEY.cluster .. '/' .. item.service
  local held, refusal = string.match(redis.call('HGET', KEY.allocations, item.service) or '',
    '^[^\n]*\n([^\n]*)\n[^\n]*\n([^\n]*)\n')
  local since, ports = string.format('%.0f', item.sinceMs), table.concat(item.ports, ',')
  local line = item.uid .. ' ' .. since .. ' 0 ' .. (ports == '' and '' or ports .. ',')
  local list, keep = {}, {}
  for _, place in ipairs(item.addresses) do
    local entry = load(place.address)
    local others = strangers(entry, id, item)
    local other = rival(entry, others)
    if other then
      conflicts[#conflicts + 1] = item.service .. ' ' .. place.address .. ' ' .. other
    else
      for _, holder in ipairs(others) do evict(holder, place.address) end
      local whose, how = string.match(redis.call('HGET', KEY.reservations, place.address) or '', '^(%S+) %S+ (%S+)')
      if how == 'annotation' then reserve(place.address, whose) end -- whoever holds it now, it has been given
      enter(place, load(place.address), id, line, item.pool, item.sharing, item.backend)
      redis.call('HDEL', KEY.lan, place.address) -- its status shows it, so it is not new on the LAN
      dirty(KEY.dirtyPlace, KEY.cluster .. '/' .. place.address)
      list[#list + 1], keep[place.address] = place.address, true
    end
  end
  for address in string.gmatch(held or '', '[^,]+') do
    if not keep[address] then give(address, id) end
  end
  redis.call('SADD', KEY.round, id)
  local text = table.concat(list, ',')
  if text ~= (held or '') then note('adopted', id, item.uid, text, item.pool, 'found in status') end
  redis.call('HSET', KEY.allocations, item.service, '2 ' .. since .. ' ' .. incarnation .. ' ' .. item.uid .. '\n'
    .. text .. '\n' .. item.pool .. '\n' .. (refusal or '') .. '\n\n')
  dirty(KEY.dirtyAllocate, id)
end

-- True when what was mirrored is newer than what this Redis knows.
local function isNews(section, mirrored)
  local known = redis.call('HGET', KEY.decided, section .. '/' .. KEY.cluster)
  return mirrored ~= nil and (not known or tonumber(known) < tonumber(mirrored.decidedUs))
end

local function restoreReservations(list)
  local flat = redis.call('HGETALL', KEY.reservations)
  for index = 1, #flat, 2 do
    if string.sub(flat[index + 1], 1, #KEY.cluster + 1) == KEY.cluster .. '/' then
      redis.call('HDEL', KEY.reservations, flat[index])
      local entry = load(flat[index])
      if entry and string.sub(entry.lines, 1, 2) == '- ' then layDown(flat[index], entry) end
    end
  end
  for _, one in ipairs(list) do
    local entry = load(one.address)
    local rival = entry and string.match(entry.lines, '^%- %S+ %S+ reserved\n')
    if not rival and (one.untilMs < 0 or one.untilMs > tonumber(now)) then
      reserve(one.address, one.service, string.format('%.0f', one.untilMs), one.byHand and 'hand' or 'annotation')
      entry = entry or { page = one.page, offset = one.offset, pool = '', lines = '' }
      if entry.lines == '' or string.sub(entry.lines, 1, 2) == '- ' then layDown(one.address, entry) end
    end
  end
end

if step == 'restore' then
  local mirrored = cjson.decode(ARGV[3])
  if isNews('configuration', mirrored.configuration) then
    -- Revision 0: whatever is judged from now on takes its place.
    redis.call('SET', KEY.configuration, '0 ' .. mirrored.configuration.text)
    redis.call('HSET', KEY.decided, 'configuration/' .. KEY.cluster, mirrored.configuration.decidedUs)
  end
  if isNews('reservations', mirrored.reservations) then
    restoreReservations(mirrored.reservations.list)
    redis.call('HSET', KEY.decided, 'reservations/' .. KEY.cluster, mirrored.reservations.decidedUs)
  end
  if isNews('drained', mirrored.drained) then
    redis.call('DEL', KEY.drained)
    for _, node in ipairs(mirrored.drained.nodes) do redis.call('HSET', KEY.drained, node, now) end
    redis.call('HSET', KEY.decided, 'drained/' .. KEY.cluster, mirrored.drained.decidedUs)
  end
  return 'restored'
end

local conflicts = {}
for _, item in ipairs(cjson.decode(ARGV[3])) do adopt(item, conflicts) end
return {'adopted', conflicts}
