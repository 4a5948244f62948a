import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { allocate } from '../../functions/allocate/allocate.ts'
import { permits, poolHolding } from '../../functions/allocate/pools.ts'
import { sharingOf } from '../../functions/allocate/sharing.ts'
import type { AddressRecord } from '../../functions/model/allocation.ts'
import type { Configuration, Pool } from '../../functions/model/configuration.ts'
import type { Service } from '../../functions/model/service.ts'
import { readAddressRecord } from '../../infra/redis/records.ts'
import { onAllocate } from '../../workers/on-allocate.ts'
import { claimable, expected } from '../support/allocation-model.ts'
import { allocatorWorld } from '../support/allocator-world.ts'
import { adoptNothing, aPool } from '../support/claims.ts'
import { aConfiguration, aService } from '../support/services.ts'
import { violations } from '../support/violations.ts'

/** The suite stops here; by hand: HERALD_RUNS=100000 HERALD_FIRE_MS=3600000 node test/run.mjs fire */
const LIMIT_MS = Number(process.env.HERALD_FIRE_MS ?? 30_000)
const RUNS = Number(process.env.HERALD_RUNS ?? 1000)

const pinned = {
  priority: 1,
  namespaces: ['default'],
  namespaceSelectors: [],
  serviceSelectors: [],
}
const POOLS: readonly Pool[] = [
  aPool('a', ['10.0.0.0-10.0.0.2']),
  aPool('b', ['10.0.1.0-10.0.1.1', '2001:db8::/127']),
  aPool('c', ['10.0.2.254-10.0.3.1'], { avoidBuggyIPs: true, serviceAllocation: pinned }),
  aPool('d', ['10.0.4.0/32', '2001:db8::10/128'], { autoAssign: false }),
  aPool('a', ['10.0.0.1-10.0.0.3']),
  aPool('b', ['10.0.1.0-10.0.1.1']),
]

const configurations: fc.Arbitrary<Configuration> = fc
  .uniqueArray(fc.constantFrom(...POOLS), { selector: pool => pool.name })
  .map(pools => aConfiguration(...pools.sort((x, y) => (x.name < y.name ? -1 : 1))))

const NAMES = ['s0', 's1', 's2', 's3', 's4', 's5', 's6', 's7'] as const
const FAMILIES = {
  four: { clusterIPs: ['10.96.0.1'] },
  six: { clusterIPs: ['fd00::1'], ipFamilies: ['IPv6'] },
  prefer: { clusterIPs: ['10.96.0.1', 'fd00::1'], ipFamilyPolicy: 'PreferDualStack' as const },
  require: { clusterIPs: ['10.96.0.1', 'fd00::1'], ipFamilyPolicy: 'RequireDualStack' as const },
}

const annotations = fc
  .record({
    'metallb.io/allow-shared-ip': fc.constantFrom('', '', 'k', 'k', 'z'),
    'metallb.io/address-pool': fc.constantFrom('', '', '', 'a', 'b', 'd', 'none'),
    'metallb.io/loadBalancerIPs': fc.constantFrom(
      ...['', '', '', '', '10.0.0.1', '10.0.0.2', '10.0.1.0', '10.0.4.0', '172.16.0.1'],
      '10.0.1.1,2001:db8::1',
    ),
  })
  .map(all => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '')))

const services: fc.Arbitrary<Service> = fc
  .record({
    name: fc.constantFrom(...NAMES),
    type: fc.constantFrom('LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'ClusterIP'),
    family: fc.constantFrom('four', 'four', 'six', 'prefer', 'require'),
    port: fc.integer({ min: 80, max: 82 }),
    externalTrafficPolicy: fc.constantFrom('Cluster', 'Cluster', 'Local'),
    annotations,
  })
  .map(({ name, family, port, ...more }) =>
    aService(name, {
      ...more,
      ...FAMILIES[family as keyof typeof FAMILIES],
      externalTrafficPolicy: more.externalTrafficPolicy as Service['externalTrafficPolicy'],
      ports: [{ protocol: 'TCP', port }],
    }),
  )

type Step =
  | { readonly serve: Service }
  | { readonly gone: (typeof NAMES)[number] }
  | { readonly configure: Configuration }

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: services.map(serve => ({ serve })) },
  { weight: 2, arbitrary: fc.constantFrom(...NAMES).map(gone => ({ gone })) },
  { weight: 1, arbitrary: configurations.map(configure => ({ configure })) },
)

/** Steps that happen before anybody answers; the bells are then answered in a random order. */
const bursts = fc.array(fc.array(steps, { minLength: 1, maxLength: 3 }), {
  minLength: 3,
  maxLength: 12,
})

describe('under fire', () => {
  test('no address twice, none moved without need, nobody waits in vain, and the model agrees', async t => {
    const seed = Number(process.env.HERALD_SEED ?? Math.floor(Math.random() * 2 ** 31))
    t.diagnostic(`seed ${seed} (HERALD_SEED replays it)`)
    let runs = 0
    const herald = await allocatorWorld(t)
    const property = fc.asyncProperty(
      configurations,
      bursts,
      fc.integer(),
      fc.constantFrom<0 | 600_000>(0, 0, 600_000),
      async (configuration, story, chaos, coolDownMs) => {
        runs++
        await play(herald, configuration, story, { chaos, coolDownMs })
      },
    )
    await fc.assert(property, {
      reporter: tell,
      seed,
      numRuns: RUNS,
      interruptAfterTimeLimit: LIMIT_MS,
    })
    t.diagnostic(`${runs} runs`)
    assert.ok(runs > 10)
  })
})

/** A counterexample in a few words a step. */
function tell(details: fc.RunDetails<[Configuration, Step[][], number, 0 | 600_000]>): void {
  if (!details.failed || !details.counterexample) return
  const [first, story, chaos, coolDownMs] = details.counterexample
  const pools = ({ pools }: Configuration) =>
    `pools ${pools.map(one => `${one.name} ${one.addresses}`).join('; ')}`
  const word = (step: Step) =>
    'configure' in step
      ? pools(step.configure)
      : 'gone' in step
        ? `${step.gone} gone`
        : `${step.serve.name} ${step.serve.type} ${step.serve.clusterIPs} ${step.serve.ipFamilyPolicy} ` +
          `${step.serve.externalTrafficPolicy} ${step.serve.ports[0]?.port} ${JSON.stringify(step.serve.annotations)}`
  const lines = [pools(first), ...story.map(burst => burst.map(word).join('\n     & '))]
  assert.fail(
    `seed ${details.seed}, chaos ${chaos}, cool-down ${coolDownMs}:\n${lines.join('\n')}\n${details.errorInstance}`,
  )
}

type Herald = Awaited<ReturnType<typeof allocatorWorld>>

async function play(
  herald: Herald,
  first: Configuration,
  story: readonly (readonly Step[])[],
  { chaos, coolDownMs }: { chaos: number; coolDownMs: number },
): Promise<void> {
  await herald.redis.flushall()
  herald.bells.length = 0
  await adoptNothing(herald.scripts)
  const desk = deskOf(herald, chaos, coolDownMs)
  await desk.apply({ configure: first })
  await desk.answerAll()
  for (const burst of story) {
    const before = await desk.look()
    for (const step of burst) await desk.apply(step)
    const [alone] = burst.length === 1 ? burst : []
    if (alone && 'serve' in alone && coolDownMs === 0) await desk.compare(alone.serve.name)
    await desk.answerAll()
    const after = await desk.look()
    assert.deepEqual(await violations(herald.redis), [])
    assertUnmoved(before, after, burst, desk.configuration())
    await desk.assertNobodyWaitsInVain()
  }
  const last = strip(await desk.look())
  await desk.repeatAll()
  assert.deepEqual(strip(await desk.look()), last, 'a repeated answer changed something')
}

interface Seen {
  readonly addresses: readonly string[]
  readonly refused: boolean
  readonly service: Service | null
}

/** Promise 2: whoever was not touched, is content and is still permitted keeps every address. */
function assertUnmoved(
  before: ReadonlyMap<string, Seen>,
  after: ReadonlyMap<string, Seen>,
  burst: readonly Step[],
  { pools }: Configuration,
): void {
  const touched = new Set<string>(
    burst.flatMap(step => ('serve' in step ? step.serve.name : 'gone' in step ? step.gone : [])),
  )
  // Pools that went and came back within a burst revoke in between, or not.
  if (burst.filter(step => 'configure' in step).length > 1) return
  for (const [name, { addresses, refused, service }] of before) {
    if (touched.has(name) || refused || !service || addresses.length === 0) continue
    const pool = poolHolding(pools, addresses)
    if (!pool || !permits(pool, service, {})) continue
    const now = after.get(name)?.addresses ?? []
    assert.deepEqual(
      addresses.filter(one => !now.includes(one)),
      [],
      `${name} lost ${addresses.join()} for no reason`,
    )
  }
}

const strip = (seen: ReadonlyMap<string, Seen>) =>
  [...seen].map(([name, { addresses, refused }]) => [name, addresses.join(), refused])

/** Three allocators that answer bells in random order, twice, and die between any two steps. */
function deskOf(herald: Herald, chaos: number, coolDownMs: number) {
  const { state, redis, place, bells } = herald
  let random = chaos >>> 0
  const below = (n: number) => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0
    return Math.floor((random / 2 ** 32) * n)
  }
  let inForce = aConfiguration()
  let version = 1
  let dying = false
  const crash = () => {
    if (dying && below(12) === 0) throw new Crash()
  }
  const world = {
    ...place,
    coolDownMs,
    scripts: {
      ...place.scripts,
      claim: async (request: Parameters<typeof place.scripts.claim>[0]) => {
        crash()
        const answer = await place.scripts.claim(request)
        crash()
        return answer
      },
    },
    ring: async (queue: string, keys: readonly string[]) => {
      crash()
      if (queue === 'allocate') await place.ring(queue, keys)
      crash()
    },
  }
  const answer = async (id: string) => {
    try {
      await onAllocate(id, world)
    } catch (error) {
      if (!(error instanceof Crash)) throw error
      bells.push(['allocate', id]) // the queue delivers at least once
    }
  }
  const lane = async () => {
    for (;;) {
      const [bell] = bells.splice(below(bells.length), 1)
      if (!bell) return
      if (below(8) === 0) bells.push(bell)
      await answer(bell[1])
    }
  }
  const book = async (): Promise<Map<string, AddressRecord>> => {
    const all = Object.entries(await redis.hgetall(state.keys.addresses))
    return new Map(all.map(([address, text]) => [address, readAddressRecord(text)]))
  }
  const decide = async (name: string) => {
    const { record: service } = await state.service('default', `default/${name}`)
    const held = await state.allocation('default', `default/${name}`)
    const records = await Promise.all((held?.addresses ?? []).map(state.addressRecord))
    const id = `default/default/${name}`
    const command = allocate(service, {
      configuration: inForce,
      namespaceLabels: {},
      held,
      records,
      nodeAddresses: [],
      id,
    })
    const terms = service ? sharingOf(service) : { sharing: '', backend: '', ports: [] }
    return { command, held: held?.addresses ?? [], id, terms }
  }

  return {
    configuration: () => inForce,
    async apply(step: Step) {
      version++
      if ('serve' in step) {
        const record = { ...step.serve, resourceVersion: String(version) }
        const name = `default/${record.name}`
        await herald.learn(state.keys.services('default'), name, String(version), record)
        await place.ring('allocate', [`default/${name}`])
      } else if ('gone' in step) {
        const name = `default/${step.gone}`
        await herald.learn(state.keys.services('default'), name, String(version), null)
        await place.ring('allocate', [`default/${name}`])
      } else {
        inForce = step.configure
        await herald.configure(inForce)
        await redis.zadd(state.keys.dirty('allocate'), version, 'default/*')
        await place.ring('allocate', ['default/*'])
      }
    },
    /** One answer by one allocator gives what the model says. */
    async compare(name: string) {
      const { command, held, id, terms } = await decide(name)
      const wanted = expected(command, held, await book(), id, terms)
      await onAllocate(id, world)
      const now = (await state.allocation('default', `default/${name}`))?.addresses ?? []
      if (wanted)
        assert.deepEqual(now, wanted, `the model gives ${name} ${wanted.join() || 'nothing'}`)
    },
    async answerAll() {
      dying = true
      await Promise.all([lane(), lane(), lane()])
      dying = false
      // What died unanswered is dirty: the sweep rings it.
      for (let dirty = await state.dirtyKeys('allocate'); dirty.length > 0; ) {
        bells.push(...dirty.map(([key]): [string, string] => ['allocate', key]))
        await Promise.all([lane(), lane()])
        dirty = await state.dirtyKeys('allocate')
      }
    },
    async repeatAll() {
      for (const name of NAMES) await answer(`default/default/${name}`)
      await Promise.all([lane(), lane()])
    },
    async look(): Promise<Map<string, Seen>> {
      const seen = NAMES.map(async name => {
        const [{ record }, allocation] = await Promise.all([
          state.service('default', `default/${name}`),
          state.allocation('default', `default/${name}`),
        ])
        const refused = Boolean(allocation?.refusal)
        return [name, { addresses: allocation?.addresses ?? [], refused, service: record }] as const
      })
      return new Map(await Promise.all(seen))
    },
    async assertNobodyWaitsInVain() {
      const [all, ...decided] = await Promise.all([book(), ...NAMES.map(decide)])
      for (const { command, held, id, terms } of decided) {
        if (command.do !== 'claim') continue
        for (const choice of command.choices) {
          const found = claimable(all, choice, id, terms)
          if (found && found.join() === held.join()) break
          assert.equal(found, null, `${id} could have ${found?.join()}, and has ${held.join()}`)
        }
      }
    },
  }
}

class Crash extends Error {}
