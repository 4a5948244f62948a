-- quarantine.lua: keeps addresses back that another host on the LAN turned out to have before they were announced. Their
-- holders' bells are made dirty: they get others.
--
-- Why a script: an address is quarantined only while it is still held as it was when it was probed, and whoever reads that
-- it is must find the bells.
--
-- Stands behind book.lua.
-- ARGV  1 for how many ms; -1 = for ever  2.. addresses
-- Returns keys of `allocate` to be rung
local forMs, rung = ARGV[1], {}
local untilMs = forMs == '-1' and '-1' or string.format('%.0f', now + forMs)

for index = 2, #ARGV do
  local address = ARGV[index]
  local mac, node, interface = string.match(redis.call('HGET', KEY.lan, address) or '', '^taken (%S+) (%S+) (%S+)')
  local already = string.find(redis.call('HGET', KEY.reservations, address) or '', '^[^/]+/~/')
  local entry = mac and not already and load(address)
  if entry and entry.cluster == KEY.cluster then
    local _, holders = apart(entry.lines, '')
    for holder, uid in string.gmatch(holders, '([^ \n]+) ([^ \n]*)[^\n]*\n') do
      dirty(KEY.dirtyAllocate, holder)
      rung[#rung + 1] = holder
      note('quarantined', holder, uid, address, entry.pool, mac .. ' answered the probe of ' .. node .. ' on ' .. interface)
    end
    if holders ~= '' then reserve(address, KEY.cluster .. '/~/' .. mac .. '/' .. now, untilMs, 'hand') end
  end
end
return rung
