-- decisions.lua: everything that was decided and no status shows, of one cluster, at one moment.
--
-- Why a script: after a flush there is nothing, and that is no decision; between two reads it could happen.
--
-- KEYS  1 adopted  2 configuration  3 reservations  4 decided  5 drained
-- ARGV  1 cluster
-- Returns {"unadopted"} or {"decided", configuration ("" = none), when, reservations (address, reservation, …), when,
--         drained nodes, when};
--         when: microseconds since the epoch as text, "" = never
local cluster = ARGV[1]
local incarnation = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
if redis.call('HGET', KEYS[1], cluster) ~= incarnation then return {'unadopted'} end
local stored = redis.call('GET', KEYS[2])
local flat, ours = redis.call('HGETALL', KEYS[3]), {}
for index = 1, #flat, 2 do
  if string.sub(flat[index + 1], 1, #cluster + 1) == cluster .. '/' then
    ours[#ours + 1] = flat[index]
    ours[#ours + 1] = flat[index + 1]
  end
end
return {'decided',
  stored and string.match(stored, '^%d+ (.*)$') or '', redis.call('HGET', KEYS[4], 'configuration/' .. cluster) or '',
  ours, redis.call('HGET', KEYS[4], 'reservations/' .. cluster) or '',
  redis.call('HKEYS', KEYS[5]), redis.call('HGET', KEYS[4], 'drained/' .. cluster) or ''}
