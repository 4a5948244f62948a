/**
 * Answers `allocate`: load, decide, perform. Safe to give twice, by any number of allocators.
 */
import { type AllocateCommand, allocate, sharingOf } from '../functions/allocate/allocate.ts'
import { refusalOf } from '../functions/allocate/explain.ts'
import { batches } from '../functions/allocate/windowed.ts'
import { Fault } from '../functions/model/fault.ts'
import type { Service } from '../functions/model/service.ts'
import type { ClaimAnswer, ClaimRequest, Scripts } from '../infra/redis/scripts.ts'
import type { State } from '../infra/redis/state.ts'

export interface AllocatorWorld {
  readonly state: State
  readonly scripts: Scripts
  /** All clusters that share this address space. */
  readonly clusters: readonly string[]
  ring(queue: string, keys: readonly string[]): Promise<void>
}

/** Another allocator or a watcher was faster; read and decide again, but not for ever. */
const DECISIONS_MOST = 10

export async function onAllocate(id: string, world: AllocatorWorld): Promise<void> {
  const { cluster, name } = split(id)
  const dirty = await world.state.dirty('allocate', id)
  if (name === '*') {
    for await (const names of world.state.serviceNames(cluster)) {
      await world.ring(
        'allocate',
        names.map(one => `${cluster}/${one}`),
      )
    }
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
  const [{ version, record: service }, configured, held, labels] = await Promise.all([
    state.service(cluster, name),
    state.configuration(cluster),
    state.allocation(cluster, name),
    state.namespaceLabels(cluster, namespace),
  ])
  const command = allocate(service, {
    configuration: configured?.configuration ?? null,
    namespaceLabels: labels ?? {},
    held,
    records: await Promise.all((held?.addresses ?? []).map(state.addressRecord)),
    id,
  })
  if (command.do === 'nothing') return 'nothing'
  const request: ClaimRequest = {
    cluster,
    service: name,
    uid: service?.uid ?? held?.uid ?? '',
    version,
    clusters: world.clusters,
    expected: held?.addresses.join() ?? '',
    ...(service ? sharingOf(service) : { sharing: '', backend: '', ports: [] }),
    options: [],
    otherwise: 'release',
    forget: false,
    wait: false,
    why: 'why' in command ? command.why : command.refusal.message,
  }
  const answer = await perform(command, request, service, world.scripts)
  if ('addresses' in answer) {
    const touched = new Set([...(held?.addresses ?? []), ...answer.addresses])
    return { places: [...touched].map(address => `${cluster}/${address}`), rung: answer.rung }
  }
  return answer.outcome
}

async function perform(
  command: Exclude<AllocateCommand, { do: 'nothing' }>,
  request: ClaimRequest,
  service: Service | null,
  scripts: Scripts,
): Promise<ClaimAnswer> {
  switch (command.do) {
    case 'release':
      return scripts.claim({
        ...request,
        forget: command.forget,
        ...(command.refusal ? { refusal: command.refusal, wait: service !== null } : {}),
      })
    case 'refuse':
      return scripts.claim({ ...request, otherwise: 'keep', wait: true, refusal: command.refusal })
    case 'claim':
      return claim(command, request, scripts)
  }
}

/** Batch after batch until one wins; what the last one finds in vain is recorded with the reason. */
async function claim(
  command: Extract<AllocateCommand, { do: 'claim' }>,
  request: ClaimRequest,
  scripts: Scripts,
): Promise<ClaimAnswer> {
  const tried: { pool: string; reason: string }[] = []
  for (const options of batches(command.choices)) {
    // From the first batch on the Service is among those that wait, so that no room is missed.
    const answer = await scripts.claim({ ...request, options, otherwise: 'keep', wait: true })
    if (answer.outcome !== 'refused') return answer
    options.forEach(({ pool }, index) => {
      tried.push({ pool, reason: answer.reasons[index] ?? 'full' })
    })
  }
  return scripts.claim({
    ...request,
    otherwise: command.keep ? 'keep' : 'release',
    wait: true,
    refusal: refusalOf(command.choices, tried),
  })
}

/** "cluster/rest" */
export function split(id: string): { cluster: string; name: string } {
  const slash = id.indexOf('/')
  return { cluster: id.slice(0, slash), name: id.slice(slash + 1) }
}
