/**
 * Answers `allocate`: load, decide, perform. Safe to give twice, by any number of allocators.
 */
import { type AllocateCommand, allocate } from '../functions/allocate/allocate.ts'
import type { Choice } from '../functions/allocate/choices.ts'
import { refusalOf, type Tried } from '../functions/allocate/explain.ts'
import { reserveMsOf } from '../functions/allocate/reservation.ts'
import { sharingOf } from '../functions/allocate/sharing.ts'
import { type Batch, batches } from '../functions/allocate/windowed.ts'
import { wishOf } from '../functions/allocate/wish.ts'
import { Fault } from '../functions/model/fault.ts'
import { coolDownOf } from '../functions/model/pool-annotations.ts'
import type { ClaimAnswer, HoldingRequest, Scripts } from '../infra/redis/scripts.ts'
import type { State } from '../infra/redis/state.ts'
import { step } from '../infra/tracing.ts'

export interface AllocatorWorld {
  readonly state: State
  readonly scripts: Scripts
  /** All clusters that share this address space. */
  readonly clusters: readonly string[]
  /** How long an address rests after it was given up, where its pool does not say. */
  readonly coolDownMs: number
  /** Addresses of the cluster's nodes, as known a moment ago. */
  nodeAddresses(cluster: string): Promise<readonly string[]>
  ring(queue: string, keys: readonly string[]): Promise<void>
  /** As `ring`, in a second, once for all until then. */
  ringSoon(queue: string, keys: readonly string[]): Promise<void>
}

/** Another allocator or a watcher was faster; read and decide again, but not for ever. */
const DECISIONS_MOST = 10

/** The key is cluster/namespace/name; cluster/* for every Service; cluster/waiting for all that wait, of any cluster. */
export async function onAllocate(id: string, world: AllocatorWorld): Promise<void> {
  const { cluster, name } = split(id)
  const dirty = await world.state.dirty('allocate', id)
  if (name === '*' || name === 'waiting') {
    const ids = name === '*' ? idsOfAll(cluster, world) : world.state.waiting()
    for await (const some of ids) await world.ring('allocate', some)
    return world.state.answered('allocate', id, dirty)
  }
  for (let attempt = 0; attempt < DECISIONS_MOST; attempt++) {
    const answer = await decideOnce(id, cluster, name, world)
    if (answer === 'changed') continue
    if (answer === 'unadopted') return // stays dirty: rung again when adoption is complete
    await world.ring(`publish-${cluster}`, [`service/${name}`])
    if (answer !== 'nothing') {
      await world.ring('place', answer.places)
      await world.ring('allocate', answer.rung)
    }
    await world.state.answered('allocate', id, dirty)
    return
  }
  throw new Fault('Contended', {
    what: `Service ${id} changed ${DECISIONS_MOST} times while it was decided`,
    why: 'every decision was out of date before it could be claimed',
    remedy:
      'It is tried again by itself; look for a controller that rewrites the Service in a loop',
    retry: true,
  })
}

async function* idsOfAll(cluster: string, { state }: AllocatorWorld): AsyncGenerator<string[]> {
  for await (const names of state.serviceNames(cluster)) yield names.map(one => `${cluster}/${one}`)
}

type Answer =
  | 'nothing'
  | 'changed'
  | 'unadopted'
  | { readonly places: readonly string[]; readonly rung: readonly string[] }

async function decideOnce(
  id: string,
  cluster: string,
  name: string,
  world: AllocatorWorld,
): Promise<Answer> {
  const { state } = world
  const namespace = name.slice(0, name.indexOf('/'))
  const [{ version, record: service }, configured, held, labels, nodeAddresses] = await Promise.all(
    [
      state.service(cluster, name),
      state.configuration(cluster),
      state.allocation(cluster, name),
      state.namespaceLabels(cluster, namespace),
      world.nodeAddresses(cluster),
    ],
  )
  const [records, quarantines] = await Promise.all([
    Promise.all((held?.addresses ?? []).map(state.addressRecord)),
    state.quarantines(held?.addresses ?? []),
  ])
  const command = allocate(service, {
    configuration: configured?.configuration ?? null,
    namespaceLabels: labels ?? {},
    held,
    records,
    quarantines,
    nodeAddresses,
    id,
  })
  if (command.do === 'nothing') return 'nothing'
  const pool = configured?.configuration.pools.find(one => one.name === held?.pool)
  const request: HoldingRequest = {
    cluster,
    service: name,
    uid: service?.uid ?? held?.uid ?? '',
    version,
    clusters: world.clusters,
    expected: held?.addresses ?? [],
    ...(service ? sharingOf(service) : { sharing: '', backend: '', ports: [] }),
    wait: service !== null,
    restMs: coolDownOf(pool, world.coolDownMs),
    reserveMs: service ? reserveMsOf(service) : 0,
    why: 'why' in command ? command.why : command.refusal.message,
    ...('cleared' in command && { cleared: command.cleared }),
  }
  const answer = await perform(command, request, nodeAddresses, world.scripts)
  if ('addresses' in answer) {
    if (answer.addresses.join() !== (held?.addresses.join() ?? '') || answer.pool !== held?.pool) {
      await ringPools(cluster, [held?.pool ?? '', answer.pool], world)
    }
    const grows = command.do === 'claim' && command.choices.some(choice => choice.lacking)
    if (answer.outcome === 'claimed' && grows && answer.resting > 0) {
      await world.ring('allocate', answer.rung)
      return 'changed' // the family that it lacks may rest in the pool that it got
    }
    const touched = new Set([...(held?.addresses ?? []), ...answer.addresses])
    return { places: [...touched].map(address => `${cluster}/${address}`), rung: answer.rung }
  }
  return answer.outcome
}

/** Their counters have changed; where clusters share the addresses, those of all may have. */
async function ringPools(
  cluster: string,
  pools: readonly string[],
  world: AllocatorWorld,
): Promise<void> {
  const keys = [...new Set(pools)].filter(pool => pool !== '').map(pool => `pool/${pool}`)
  for (const one of keys.length > 0 ? world.clusters : []) {
    await world.ringSoon(`publish-${one}`, one === cluster ? keys : ['pool/*'])
  }
}

async function perform(
  command: Exclude<AllocateCommand, { do: 'nothing' }>,
  request: HoldingRequest,
  nodeAddresses: readonly string[],
  scripts: Scripts,
): Promise<ClaimAnswer> {
  switch (command.do) {
    case 'release':
      return scripts.conclude({
        ...request,
        order: command.forget ? 'forget' : 'release',
        wait: command.refusal !== undefined,
        ...(command.refusal && { refusal: command.refusal }),
      })
    case 'refuse': {
      const { refusal, keep } = command
      return scripts.conclude({ ...request, order: 'keep', keepPool: keep, refusal })
    }
    case 'claim':
      return step('claim', {}, () => claim(command, request, nodeAddresses, scripts))
  }
}

/** Batch after batch until one wins; what the last one finds in vain is recorded with the reason. */
async function claim(
  command: Extract<AllocateCommand, { do: 'claim' }>,
  request: HoldingRequest,
  nodeAddresses: readonly string[],
  scripts: Scripts,
): Promise<ClaimAnswer> {
  const tried: Tried[] = []
  const lacking = command.choices.find(choice => choice.lacking)?.lacking
  const additional = lacking && `no free ${lacking} address; it is added as soon as there is one`
  let resting = 0
  // From the first batch on the Service is among those that wait, so that no room is missed.
  const attempt = async (
    batch: Batch,
    rested: boolean,
  ): Promise<ClaimAnswer | readonly string[]> => {
    const options = batch.map(one => one.option)
    const answer = await scripts.claim({
      ...request,
      options,
      rested,
      ...(additional && { additional }),
    })
    if (answer.outcome !== 'refused') return answer
    resting = answer.resting
    return answer.reasons
  }
  for (const choices of byCompleteness(command.choices)) {
    for (const rested of [false, true]) {
      if (rested && resting === 0) break
      const search = batches(choices, nodeAddresses)
      for (let tries = search.next(); !tries.done; ) {
        const answer = await attempt(tries.value, rested)
        if ('outcome' in answer) return answer
        if (!rested) {
          tried.push(
            ...tries.value.map(({ choice }, i) => ({ choice, reason: answer[i] ?? 'full' })),
          )
        }
        tries = search.next(answer)
      }
    }
  }
  return scripts.conclude({
    ...request,
    order: command.keep === null ? 'release' : 'keep',
    ...(command.keep !== null && { keepPool: command.keep, wish: wishOf(command.choices) }),
    refusal: refusalOf(request.cluster, tried),
  })
}

/** Both families with an address that rests come before one family of the same pool alone. */
function byCompleteness(choices: readonly Choice[]): (readonly Choice[])[] {
  const [first, second] = choices
  const both = second?.lacking !== undefined && first?.pool === second.pool
  return both ? [choices.slice(0, 1), choices.slice(1)] : [choices]
}

/** "cluster/rest" */
export function split(id: string): { cluster: string; name: string } {
  const slash = id.indexOf('/')
  return { cluster: id.slice(0, slash), name: id.slice(slash + 1) }
}
