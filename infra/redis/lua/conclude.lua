-- conclude.lua: says what becomes of a Service that can have nothing (more): it keeps what it has, or gives it up.
--
-- Why a script: as claim.lua; and two Services that each keep what the other asks for must not both let go.
--
-- ARGV  1 see holding.lua
--       2 "keep" what is held, unless it does not fit the other sharers any more | "release" it | "forget":
--         the Service is gone, its allocation goes with what it held
--       3 the pool that what is kept belongs to from now on; "": the one it came from
--       4 refusal recorded with it, JSON {reason, message}, or ""
--       5 with "keep": what it would rather have, JSON {pools = {{pool, families}}, addresses}, or ""
--
-- Outcomes (holding.lua): refused: it keeps what it has | released
-- Idempotent.
local order, refusal = ARGV[2], ARGV[4]
local keepPool = ARGV[3] ~= '' and ARGV[3] or heldPool

-- Two (or a ring of more) that each keep what the other asks for would wait for ever: one of them lets go.
local function deadlocked()
  local WISHES_MOST = 200 -- more of them are not searched for a ring
  if ARGV[5] == '' or redis.call('HLEN', KEY.wishes) > WISHES_MOST then return false end

  local function wants(wish, pool, list)
    for address in string.gmatch(list, '[^,]+') do
      for _, wanted in ipairs(wish.addresses) do
        if wanted == address then return true end
      end
      local family = string.find(address, ':', 1, true) and 'IPv6' or 'IPv4'
      for _, asked in ipairs(wish.pools) do
        for _, wanted in ipairs(asked.families) do
          if asked.pool == pool and wanted == family then return true end
        end
      end
    end
    return false
  end

  local others, flat = {}, redis.call('HGETALL', KEY.wishes)
  for i = 1, #flat, 2 do
    local cluster, name = string.match(flat[i], '^([^/]*)/(.*)$')
    local stored = cluster == KEY.cluster and flat[i] ~= id and redis.call('HGET', KEY.allocations, name)
    if stored then
      local list, pool = string.match(stored, '^[^\n]*\n([^\n]*)\n([^\n]*)\n')
      others[flat[i]] = { wish = cjson.decode(flat[i + 1]), list = list, pool = pool }
    end
  end
  local todo = { cjson.decode(ARGV[5]) }
  while #todo > 0 do
    local wish = table.remove(todo)
    for other, one in pairs(others) do
      if wants(wish, one.pool, one.list) then
        if wants(one.wish, heldPool, expected) then return true end
        others[other] = nil
        todo[#todo + 1] = one.wish
      end
    end
  end
  return false
end

queueUp(wait == '1')
local entries, unfit = {}, false
if order == 'keep' and expected ~= '' then
  local mine = listOf(expected)
  for index, address in ipairs(mine) do
    local entry = load(address)
    unfit = unfit or not entry or obstacle(entry, address) ~= nil
    entries[index] = entry
  end
  if not unfit and not deadlocked() then
    local room = false
    for index, address in ipairs(mine) do
      local entry = entries[index]
      local place = { address = address, page = entry.page, offset = entry.offset }
      room = take(place, entry, keepPool) or room
    end
    write(expected, keepPool, heldSince, refusal, '')
    if ARGV[5] ~= '' then redis.call('HSET', KEY.wishes, id, ARGV[5])
    elseif heldRefusal ~= '' then redis.call('HDEL', KEY.wishes, id) end
    return answer('refused', expected, keepPool, room)
  end
end

local lost = giveAllBut('', order == 'forget')
if heldRefusal ~= '' then redis.call('HDEL', KEY.wishes, id) end
if order == 'forget' then
  redis.call('HDEL', KEY.allocations, service)
else
  local because = cleared ~= '' and cleared or unfit and 'ClearAssignment it no longer fits the others on its address'
  local notice = lost and because and noticeOf(because) or ''
  write('', '', lost and now or heldSince or now, refusal, notice)
end
return answer('released', '', '', lost)
