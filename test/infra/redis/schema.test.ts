/** What a process does with what a later version wrote: beside it this one runs while it is upgraded, or after a rollback. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { Placement } from '../../../functions/model/placement.ts'
import { publishingOf } from '../../../infra/redis/publishing.ts'
import { readAddressRecord, readAllocation } from '../../../infra/redis/records.ts'
import { type Scripts, scriptsOf } from '../../../infra/redis/scripts.ts'
import { type State, stateOf } from '../../../infra/redis/state.ts'
import { needs } from '../../support/capabilities.ts'
import { aClaim, adoptNothing, aPool } from '../../support/claims.ts'
import { renewLease } from '../../support/nodes.ts'
import { privateRedis } from '../../support/redis.ts'
import { undoing } from '../../support/undo.ts'

const PREFIX = '{herald}'
const SAID =
  /is of schema \d.* later version .*knows? .*finish the upgrade, or run that version again/
const GROUP = '10.0.0.5'
const PLACEMENT = JSON.stringify({ v: 2, group: GROUP, owners: ['a'] })

describe(
  'a record of a later schema is refused in words, and left as it is',
  needs('redis'),
  () => {
    const scope = undoing({ after })
    let redis: Redis
    let state: State
    let scripts: Scripts
    before(async () => {
      redis = (await privateRedis(scope)).connect()
      state = stateOf(redis, PREFIX)
      scripts = scriptsOf(redis, PREFIX)
      await adoptNothing(scripts)
      await redis.hset(state.keys.placements('default'), GROUP, PLACEMENT)
      await redis.hset(state.keys.allocations('default'), 'a/web', '3 what it holds')
      await redis.hset(state.keys.addresses, GROUP, '3 who holds it')
      await redis.hset(state.keys.intents('default'), 'a/told', JSON.stringify({ v: 2, says: [] }))
    })

    const reads: Record<string, () => unknown> = {
      'an allocation': () => state.allocation('default', 'a/web'),
      'every allocation': () => state.allocations('default'),
      'the record of an address': () => state.addressRecord(GROUP),
      'a placement': () => state.placement('default', GROUP),
      'what is to be said of a Service': () =>
        publishingOf(redis, PREFIX, 'default', scripts).load('a/told'),
    }
    for (const [name, read] of Object.entries(reads)) {
      test(name, () => assert.rejects(async () => read(), SAID))
    }

    const ten = aPool('ten', ['10.0.0.5-10.0.0.9'])
    const exact = { address: GROUP, page: '4:0a00', offset: 5 }
    const request = { group: GROUP, addresses: [GROUP], candidates: [], lapsed: [], reason: '' }
    const writes: Record<string, () => unknown> = {
      'a claim of its address': () =>
        scripts.claim(
          aClaim('a/other', ten, {
            options: [{ pool: 'ten', parts: [{ exact }], lacking: false }],
          }),
        ),
      'a placement of its group': () => scripts.place('default', { ...request, settleMs: 0 }),
    }
    for (const [name, write] of Object.entries(writes)) {
      test(name, async () => {
        await assert.rejects(async () => write(), /is of schema \d, which .* does not know: finish/)
        assert.equal(await redis.hget(state.keys.addresses, GROUP), '3 who holds it')
        assert.equal(await redis.hget(state.keys.placements('default'), GROUP), PLACEMENT)
        assert.equal(await redis.hexists(state.keys.allocations('default'), 'a/other'), 0)
      })
    }

    test('a placement, where the LAN has decided otherwise; what else is reported is written down', async () => {
      const taken = (group: string): Placement => ({
        v: 1,
        group,
        addresses: [group],
        owner: { node: 'b', interfaces: null },
        standbys: [],
        epoch: { number: 9, node: 'b' },
        reason: 'taken over on the LAN',
        sinceMs: 1,
      })
      await renewLease({ client: redis }, 'b', [taken(GROUP), taken('10.0.0.6')])
      assert.equal(await redis.hget(state.keys.placements('default'), GROUP), PLACEMENT)
      assert.deepEqual(await state.groupsOf('default', 'b'), ['10.0.0.6'])
      assert.equal(await redis.hget(state.keys.epoch, 'number'), '9')
    })
  },
)

test('a record of this schema is read', () => {
  assert.equal(readAllocation('2 17 abc uid-1\n\n\n\n\n').v, 2)
  assert.equal(readAddressRecord('2 4:0a00 1 default\na\n\n\n\n').v, 2)
})
