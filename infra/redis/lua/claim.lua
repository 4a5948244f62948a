-- claim.lua: gives a Service the first of several ways to have what it asks for, in one atomic step.
--
-- Why a script: "is it free, may it be shared?", "take it" and "give the old one up" must be one step, or
-- two allocators hand out one address, or a Service stands without one between two steps.
--
-- ARGV  1 see holding.lua
--       2 options, JSON, in order of preference: {pool, parts, lacking, quota}; the first whose every part can
--         be had wins. A part is {exact = {address, page, offset}} or {windows = {...}, buggy = bool}.
--         lacking: more is wanted than this gives, so the Service goes on waiting
--         shown: what it holds of this the Service had before, as its status shows: it is not new on the LAN
--         quota: how many addresses of the pool its namespace may hold; one that several share counts once
--       3 "1": no address is free any more, those that rest (cool-down) may be taken
--       4 said (AdditionalAssignFailed) with an option that is lacking
--
-- Outcomes (holding.lua): claimed | kept | refused: nothing was changed, but that the Service waits, if it asked to
-- Reasons: one for each option tried in vain: "full <part>", "quota <used> <quota>", "taken <who> <address>",
--   "reserved <who> <address>", "port <port> <who> <address>"
-- Idempotent: a repeated claim finds its own address and changes nothing.
local options = cjson.decode(ARGV[2])
local rested = ARGV[3] == '1'

-- First zero bit of from..to, or nil. Byte-wise BITPOS (bit-wise needs Redis 7).
local function firstZero(key, from, to)
  local at = redis.call('BITPOS', key, 0, math.floor(from / 8), math.floor(to / 8))
  if at >= from then return at <= to and at or nil end
  local length = redis.call('STRLEN', key) * 8
  if from >= length then return from end
  if at >= 0 then -- a zero before the window, in its first byte: look at the rest of that byte
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

-- The first free place of a window. .0 and .255 are skipped by searching on; at most two follow each other.
local function firstFree(window, buggy)
  local from, at = window.from, nil
  repeat
    if from > window.to then return nil end
    at = firstZero(KEY.pages .. window.page, from, window.to)
    if not at then return nil end
    from = at + 1
  until not buggy or (at % 256 ~= 0 and at % 256 ~= 255)
  local address = at == 0 and window.zero
    or window.prefix .. (string.sub(window.page, 1, 1) == '4'
      and math.floor(at / 256) .. '.' .. at % 256 or string.format('%x', at))
  return { address = address, page = window.page, offset = at }
end

-- Addresses with a set bit that this Service may have all the same. `back`: last held by it, and resting or
-- reserved since: preferred. `joint`: held by it now, or shareable by its key: as good as free. `rested`:
-- anybody's that rest, longest first: better than none.
local function knownPlaces(returns)
  local known = { back = {}, joint = {}, rested = {} }
  local function add(list, address, onlyOwn)
    local entry = load(address)
    if not entry or obstacle(entry, address) then return end
    if onlyOwn and string.match(entry.lines, '^%- (%S+)') ~= id then return end
    list[#list + 1] = { address = address, page = entry.page, offset = tonumber(entry.offset), entry = entry }
  end
  for address in string.gmatch(returns, '[^,]+') do add(known.back, address, true) end
  for address in string.gmatch(expected, '[^,]+') do add(known.joint, address) end
  if sharing ~= '' then
    for _, one in ipairs(redis.call('SMEMBERS', KEY.shareable .. sharing)) do
      add(known.joint, string.match(one, '%S+$'))
    end
  end
  if rested then
    for _, address in ipairs(redis.call('ZRANGE', KEY.resting, 0, -1)) do add(known.rested, address) end
  end
  return known
end

-- Nil where there are none: most claims are of a Service that holds nothing and shares nothing.
local returns = redis.call('HGET', KEY.returning, id)
local known = (returns or expected ~= '' or sharing ~= '' or rested) and knownPlaces(returns or '')

-- The first (`lowest`: the least) of known places in a window; `mustShare`: that its namespace holds anyway.
local function knownIn(list, part, window, lowest, mustShare)
  local best
  for _, place in ipairs(list) do
    local offset = place.offset
    if place.page == window.page and offset >= window.from and offset <= window.to
        and not (part.buggy and (offset % 256 == 0 or offset % 256 == 255))
        and not (mustShare and not heldBeside(place.entry, id))
        and (not best or lowest and offset < best.offset) then
      best = place
    end
  end
  return best
end

-- `left`: how many more addresses the quota admits, or nil.
local function search(part, index, left)
  if part.exact then
    local place = part.exact
    place.entry = load(place.address)
    local reason = obstacle(place.entry, place.address)
    local own = string.find(',' .. expected .. ',', ',' .. place.address .. ',', 1, true)
    if reason or own or not left or left > 0 or place.entry and heldBeside(place.entry, id) then
      return not reason and place or nil, reason
    end
    return nil, 'quota'
  end
  local spent = left and left <= 0
  if known and not spent then
    for _, window in ipairs(part.windows) do
      local place = knownIn(known.back, part, window)
      if place then return place end
    end
  end
  for _, window in ipairs(part.windows) do
    local place = known and rested and not spent and knownIn(known.rested, part, window)
    if place then return place end
    local joint = known and knownIn(known.joint, part, window, true, spent)
    place = not spent and firstFree(window, part.buggy) or nil
    if joint and (not place or joint.offset < place.offset) then place = joint end
    if place then return place end
  end
  return nil, spent and 'quota' or 'full ' .. index
end

-- What a quota leaves once this Service has let go of what it holds of the pool and does not ask for by name.
local function allowance(option, used)
  local named, left = ',', option.quota - used
  for _, part in ipairs(option.parts) do
    if part.exact then named = named .. part.exact.address .. ',' end
  end
  for address in string.gmatch(expected, '[^,]+') do
    local entry = not string.find(named, ',' .. address .. ',', 1, true) and load(address)
    if entry and entry.pool == option.pool and not heldBeside(entry, id) then left = left + 1 end
  end
  return left
end

local reasons, found, option = {}, nil, nil
for index, one in ipairs(options) do
  local used = one.quota and redis.call('SCARD', usedKey(one.pool, id))
  local left, places, reason = used and allowance(one, used), {}, nil
  for at, part in ipairs(one.parts) do
    local place
    place, reason = search(part, at, left)
    if not place then break end
    places[at] = place
    local own = part.exact and string.find(',' .. expected .. ',', ',' .. place.address .. ',', 1, true)
    if left and not own and not (place.entry and heldBeside(place.entry, id)) then left = left - 1 end
  end
  if not reason then
    found, option = places, one
    break
  end
  reasons[index] = reason == 'quota' and 'quota ' .. used .. ' ' .. one.quota or reason
end
if not found then
  queueUp(wait == '1')
  return answer('refused', expected, heldPool, false, reasons)
end

local text, room = '', false
for index, place in ipairs(found) do
  text = text .. (index == 1 and '' or ',') .. place.address
  local asking = option.parts[index].exact and 'named' or 'automatic'
  room = take(place, place.entry, option.pool, not option.shown and asking) or room
end
local same = text == expected and heldPool == option.pool
local lost = giveAllBut(',' .. text .. ',')
local notice = lost and cleared ~= '' and noticeOf(cleared)
  or option.lacking and noticeOf('AdditionalAssignFailed ' .. ARGV[4]) or ''
if not same then note('claimed', id, uid, text, option.pool, why) end
write(text, option.pool, same and heldSince or now, '', notice)
if heldRefusal ~= '' then redis.call('HDEL', KEY.wishes, id) end -- only who was refused has one (conclude.lua)
queueUp(option.lacking)
return answer(same and 'kept' or 'claimed', text, option.pool, lost or room, reasons)
