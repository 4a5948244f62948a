-- reserve.lua: reserves an address for a Service by hand, or ends what was reserved, by hand or by annotation.
--
-- Why a script: "does nobody else hold it?" and "it is reserved" must be one step, or an allocator comes in between.
--
-- Stands behind book.lua.
-- ARGV  1 names of all clusters whose adoption must be complete, with ","  2 address  3 page  4 offset
--       5 id of the Service, or "": end the reservation  6 for how many ms from now on; -1 = for ever
-- Returns {"unadopted"}                 addresses found in status are not all known yet in this life of Redis
--         {"held", holder}              by somebody else
--         {"elsewhere", service}        it is reserved for somebody else
--         {"reserved", untilMs}
--         {"unreserved"}                there was nothing to end
--         {"released", service, holder} it was reserved for that Service; holder "" = it is free now
local clusters, address, page, offset, service, forMs = unpack(ARGV)
for one in string.gmatch(clusters, '[^,]+') do
  if redis.call('HGET', KEY.adopted, one) ~= incarnation then return {'unadopted'} end
end

local entry = load(address) or { page = page, offset = offset, pool = '', sharing = '', backend = '', lines = '' }
local holder = string.match(entry.lines, '^([^ \n-][^ \n]*)')
local whose, untilMs = string.match(redis.call('HGET', KEY.reservations, address) or '', '^(%S+) (%S+)')
if whose and untilMs ~= '-1' and tonumber(untilMs) <= tonumber(now) then whose = nil end

local function returns(id, back)
  local rest = {}
  for one in string.gmatch(redis.call('HGET', KEY.returning, id) or '', '[^,]+') do
    if one ~= address then rest[#rest + 1] = one end
  end
  if back then rest[#rest + 1] = address end
  if #rest > 0 then redis.call('HSET', KEY.returning, id, table.concat(rest, ','))
  else redis.call('HDEL', KEY.returning, id) end
end

local function take()
  local _, others = apart(entry.lines, service)
  local other = string.match(others, '^(%S+)')
  if other then return {'held', other} end
  if whose and whose ~= service then return {'elsewhere', whose} end
  untilMs = forMs == '-1' and '-1' or string.format('%.0f', now + forMs)
  reserve(address, service, untilMs, 'hand')
  if not holder then
    local before = string.match(entry.lines, '^%- (%S+)')
    if before then returns(before, false) end
    entry.lines = '- ' .. service .. ' ' .. untilMs .. ' reserved\n'
    save(address, entry)
    redis.call('SETBIT', KEY.pages .. entry.page, entry.offset, 1)
    redis.call('HSET', KEY.reserved, markOf(entry), untilMs)
    if untilMs == '-1' then redis.call('ZREM', KEY.resting, address)
    else redis.call('ZADD', KEY.resting, untilMs, address) end
    returns(service, true)
  end
  note('reserved', service, '', address, '', 'by hand')
  return {'reserved', untilMs}
end

if service ~= '' then return take() end
if not whose then return {'unreserved'} end
reserve(address, whose)
if not holder then
  free(address, entry)
  redis.call('ZREM', KEY.resting, address)
  returns(whose, false)
  dirty(KEY.dirtyAllocate, KEY.cluster .. '/waiting')
end
note('unreserved', whose, '', address, '', 'by hand')
return {'released', whose, holder or ''}
