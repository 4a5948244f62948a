import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { allocate } from '../../functions/allocate/allocate.ts'
import { permits, poolHolding } from '../../functions/allocate/pools.ts'
import { sharingOf } from '../../functions/allocate/sharing.ts'
import type { Configuration } from '../../functions/model/configuration.ts'
import type { Service } from '../../functions/model/service.ts'
import { onAllocate } from '../../workers/on-allocate.ts'
import { claimable, expected } from '../support/allocation-model.ts'
import { bursts, configurations, NAMES, type Step, tell } from '../support/allocation-stories.ts'
import { allocatorWorld } from '../support/allocator-world.ts'
import { adoptNothing } from '../support/claims.ts'
import { aConfiguration } from '../support/services.ts'
import { type Book, readBook, violationsOf } from '../support/violations.ts'

/** By hand: HERALD_RUNS=100000 HERALD_FIRE_MS=3600000 node test/run.mjs fire */
const RUNS = Number(process.env.HERALD_RUNS ?? 1000)
/** Some 30 s are needed; fewer runs than were asked for are a failure. */
const LIMIT_MS = Number(process.env.HERALD_FIRE_MS ?? 240_000)

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
    assert.ok(runs >= RUNS, `only ${runs} of ${RUNS} runs within ${LIMIT_MS / 1000} s`)
  })
})

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
  let before = await readBook(herald.redis)
  for (const burst of story) {
    for (const step of burst) await desk.apply(step)
    const [alone] = burst.length === 1 ? burst : []
    const name = alone && touchedBy(alone)
    if (name && coolDownMs === 0) await desk.compare(name, before)
    await desk.answerAll()
    const after = await readBook(herald.redis)
    assert.deepEqual(violationsOf(after), [])
    assertUnmoved(before, after, burst, desk)
    desk.assertNobodyWaitsInVain(after)
    before = after
  }
  await desk.repeatAll()
  const last = await readBook(herald.redis)
  assert.deepEqual(strip(last), strip(before), 'a repeated answer changed something')
}

const touchedBy = (step: Step): string | null =>
  'serve' in step
    ? step.serve.name
    : 'gone' in step
      ? step.gone
      : 'change' in step
        ? step.change.name
        : null

/** Promise 2: whoever was not touched, is content and is still permitted keeps every address. */
function assertUnmoved(before: Book, after: Book, burst: readonly Step[], desk: Desk): void {
  const touched = burst.map(touchedBy)
  // Pools that went and came back within a burst revoke in between, or not.
  if (burst.filter(step => 'configure' in step).length > 1) return
  for (const [name, { addresses, refusal }] of before.held) {
    const service = desk.services.get(name)
    if (touched.includes(plain(name)) || refusal || !service || addresses.length === 0) continue
    const pool = poolHolding(desk.configuration().pools, addresses)
    if (!pool || !permits(pool, service, {})) continue
    const now = after.held.get(name)?.addresses ?? []
    assert.deepEqual(
      addresses.filter(one => !now.includes(one)),
      [],
      `${name} lost ${addresses.join()} for no reason`,
    )
  }
}

const plain = (name: string) => name.slice('default/'.length)

const strip = ({ held }: Book) =>
  [...held]
    .map(([name, { addresses, refusal }]) => `${name} ${addresses.join()} ${refusal !== null}`)
    .sort()

type Desk = ReturnType<typeof deskOf>

/** Three allocators that answer bells in random order, twice, and die between any two steps. */
function deskOf(herald: Herald, chaos: number, coolDownMs: number) {
  const { state, redis, place, bells } = herald
  /** By "namespace/name": what has been applied; the desk alone does. */
  const services = new Map<string, Service>()
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
  const decide = (name: string, { held, records }: Book) => {
    const service = services.get(`default/${name}`) ?? null
    const mine = held.get(`default/${name}`) ?? null
    const id = `default/default/${name}`
    const command = allocate(service, {
      configuration: inForce,
      namespaceLabels: {},
      held: mine,
      records: (mine?.addresses ?? []).map(one => records.get(one) ?? null),
      quarantines: [],
      nodeAddresses: [],
      id,
    })
    const terms = service ? sharingOf(service) : { sharing: '', backend: '', ports: [] }
    return { command, held: mine?.addresses ?? [], id, terms }
  }
  const serve = async (service: Service) => {
    const record = { ...service, resourceVersion: String(version) }
    const name = `default/${record.name}`
    services.set(name, record)
    await herald.learn(state.keys.services('default'), name, String(version), record)
    await place.ring('allocate', [`default/${name}`])
  }

  return {
    services,
    configuration: () => inForce,
    async apply(step: Step) {
      version++
      if ('serve' in step) {
        await serve(step.serve)
      } else if ('change' in step) {
        const { name, key, port } = step.change
        const service = services.get(`default/${name}`)
        if (service) await serve(changed(service, key, port))
      } else if ('gone' in step) {
        const name = `default/${step.gone}`
        services.delete(name)
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
    async compare(name: string, book: Book) {
      const { command, held, id, terms } = decide(name, book)
      const wanted = expected(command, held, book.records, id, terms)
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
    assertNobodyWaitsInVain(book: Book) {
      for (const { command, held, id, terms } of NAMES.map(name => decide(name, book))) {
        if (command.do !== 'claim') continue
        for (const choice of command.choices) {
          const found = claimable(book.records, choice, id, terms)
          if (found && found.join() === held.join()) break
          assert.equal(found, null, `${id} could have ${found?.join()}, and has ${held.join()}`)
        }
      }
    },
  }
}

function changed(service: Service, key: string, port: number): Service {
  const { 'metallb.io/allow-shared-ip': _, ...others } = service.annotations
  const annotations = key === '' ? others : { ...others, 'metallb.io/allow-shared-ip': key }
  return { ...service, annotations, ports: [{ protocol: 'TCP', port }] }
}

class Crash extends Error {}
