-- book.lua: the book of addresses: who holds which, and what is kept beside that so that nothing is searched
-- for. Stands before claim.lua, conclude.lua, adopt.lua, reserve.lua and quarantine.lua; KEY.name stands for the name
-- of a key (keys.ts), put there when the script is loaded (book.ts).
--
-- A claim is made of some fifteen commands of 0.3 us each; what else it does must not cost more. Measured, and why
-- things are as they are: twelve KEYS cost 4 us a call, so names are literals (all keys share a slot; KEYS[1]
-- leads to its node). cjson costs 4 us to write and 3 to read a record, so records are lines of text. A function
-- costs what it captures, whether it is called or not, so few stand at the top and rare ones inside others.
--
-- A record: "2 page offset cluster", pool, sharing key, backend key, then a line a holder, "service uid sinceMs
-- reserveMs ports"; where nobody holds it "- service untilMs rests|reserved" (reading it: records.ts)
--
-- Gives  version (µs) and now (ms), decimal texts; incarnation (master_replid: another one is another Redis);
--        load, save, enter, strike, free, reserve, heldBeside, usedKey, dirty, note
local time = redis.call('TIME')
local version = string.format('%s%06d', time[1], time[2])
local now = string.sub(version, 1, -4)

local replication = redis.call('INFO', 'replication')
local _, label = string.find(replication, 'master_replid:', 1, true)
local incarnation = string.sub(replication, label + 1, label + 40)

local function dirty(set, key) redis.call('ZADD', set, version, key) end

local function load(address)
  local text = redis.call('HGET', KEY.addresses, address)
  if not text then return nil end
  local page, offset, cluster, pool, sharing, backend, lines =
    string.match(text, '^2 (%S+) (%d+) (%S+)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n(.*)$')
  if not page then
    error('the record of ' .. address .. ' is of schema ' .. string.match(text, '^%S*')
      .. ', which this version of Herald does not know: finish the upgrade, or run that version again')
  end
  return { page = page, offset = offset, cluster = cluster, pool = pool, sharing = sharing, backend = backend,
    lines = lines }
end

local function save(address, entry)
  redis.call('HSET', KEY.addresses, address, '2 ' .. entry.page .. ' ' .. entry.offset .. ' ' .. KEY.cluster .. '\n'
    .. entry.pool .. '\n' .. entry.sharing .. '\n' .. entry.backend .. '\n' .. entry.lines)
end

-- Texts that sort as addresses do (windows.ts, markOf): how many of a range are held is one lookup.
local function markOf(place) return place.page .. string.format(':%04x', place.offset) end

local function free(address, entry)
  redis.call('HDEL', KEY.addresses, address)
  if string.sub(entry.lines, 1, 2) == '- ' then redis.call('HDEL', KEY.reserved, markOf(entry)) end
  redis.call('SETBIT', KEY.pages .. entry.page, entry.offset, 0)
end

-- Reserves an address for a Service ("hand" or "annotation"), or ends that (no `untilMs`). No status shows it, so it is
-- said that something was decided (decisions.lua). A reservation: "service untilMs how".
local function reserve(address, whose, untilMs, how)
  if untilMs then redis.call('HSET', KEY.reservations, address, whose .. ' ' .. untilMs .. ' ' .. how)
  else redis.call('HDEL', KEY.reservations, address) end
  redis.call('HSET', KEY.decided, 'reservations/' .. string.match(whose, '^[^/]+'), version)
end

-- The set of addresses of a pool that the namespace of a Service holds.
local function usedKey(pool, id) return KEY.used .. string.match(id, '^.*/') .. pool end

-- True when another Service of the same namespace is among the holders.
local function heldBeside(entry, id)
  local namespace = string.match(id, '^.*/')
  for other in string.gmatch(entry.lines, '([^ \n]+)[^\n]*\n') do
    if other ~= id and string.match(other, '^.*/') == namespace then return true end
  end
  return false
end

-- The line of a holder (nil: it is none), and all other holders' lines.
local function apart(lines, id)
  local own, others = nil, ''
  for line in string.gmatch(lines, '[^\n]+\n') do
    if string.sub(line, 1, #id + 1) == id .. ' ' then own = line
    elseif string.sub(line, 1, 2) ~= '- ' then others = others .. line end
  end
  return own, others
end

local function member(entry, address) return entry.page .. ' ' .. entry.offset .. ' ' .. address end

-- Writes a holder into the record of a place {address, page, offset}; `entry` is nil where there was none. `line` is
-- the holder's, without its name.
local function enter(place, entry, id, line, pool, sharing, backend)
  local address, own, others = place.address, nil, ''
  if entry then
    own, others = apart(entry.lines, id)
    if entry.sharing ~= '' and entry.sharing ~= sharing then
      redis.call('SREM', KEY.shareable .. entry.sharing, member(entry, address))
    end
    if entry.pool ~= pool then
      for other in string.gmatch((own or '') .. others, '([^ \n]+)[^\n]*\n') do
        redis.call('SREM', usedKey(entry.pool, other), address)
        redis.call('SADD', usedKey(pool, other), address)
      end
    end
  else
    redis.call('SETBIT', KEY.pages .. place.page, place.offset, 1)
  end
  local new = { page = place.page, offset = place.offset, pool = pool, sharing = sharing, backend = backend,
    lines = others .. id .. ' ' .. line .. '\n' }
  save(address, new)
  if not own and others == '' then
    redis.call('ZADD', KEY.held, 0, markOf(place))
    if entry then redis.call('HDEL', KEY.reserved, markOf(place)) end
  end
  redis.call('SADD', usedKey(pool, id), address)
  if sharing ~= '' then redis.call('SADD', KEY.shareable .. sharing, member(new, address)) end
end

-- Strikes a holder out. True when nobody is left: what becomes of the address is then for the caller to say.
local function strike(address, entry, id)
  if not heldBeside(entry, id) then redis.call('SREM', usedKey(entry.pool, id), address) end
  local _, others = apart(entry.lines, id)
  entry.lines = others
  if others ~= '' then
    save(address, entry)
    return false
  end
  if entry.sharing ~= '' then redis.call('SREM', KEY.shareable .. entry.sharing, member(entry, address)) end
  redis.call('ZREM', KEY.held, markOf(entry))
  redis.call('HDEL', KEY.lan, address)
  return true
end

local function note(what, id, uid, list, pool, why)
  redis.call('XADD', KEY.history, 'MAXLEN', '~', 10000, '*', 'what', what, 'service', id, 'uid', uid,
    'addresses', list, 'pool', pool, 'why', why)
end
