/** Answers `place`: finds the group an address belongs to, who may serve it, and lets the script pick. */
import { compareAddresses } from '../functions/model/address.ts'
import {
  isBack,
  type Member,
  type PlaceState,
  type Placing,
  place,
} from '../functions/place/place.ts'
import { ANNOUNCED_KEY } from '../infra/redis/publishing.ts'
import type { PlaceAnswer } from '../infra/redis/scripts.ts'
import type { State } from '../infra/redis/state.ts'
import { type AllocatorWorld, split } from './on-allocate.ts'

/** After an empty or new Redis announcers say first what they answer for (they renew every second). */
const SETTLE_MS = 2500

export interface PlaceWorld extends AllocatorWorld {
  /** How long an address that another host turned out to have is kept back; -1: for ever. */
  readonly quarantineMs: number
  /** Nodes of the cluster whose lease is judged to have ended. */
  lapsed(cluster: string): Promise<readonly string[]>
  /** Rings `place` for the key again after so long. */
  later(key: string, delayMs: number): void
}

/**
 * The key is cluster/address, where the address may be any of its group or one that was given up;
 * cluster/namespace/name, for whatever the Service holds; or cluster/*, for every group.
 */
export async function onPlace(key: string, world: PlaceWorld): Promise<void> {
  const { cluster, name } = split(key)
  const dirty = await world.state.dirty('place', key)
  if (name === '*') {
    for await (const groups of world.state.groups(cluster)) {
      await world.ring(
        'place',
        groups.map(group => `${cluster}/${group}`),
      )
    }
    return world.state.answered('place', key, dirty)
  }
  const address = name.includes('/')
    ? (await world.state.allocation(cluster, name))?.addresses[0]
    : name
  if (!address) return world.state.answered('place', key, dirty)
  const together = await groupOf(cluster, address, world.state)
  const { addresses } = together
  const group = addresses[0] ?? address
  await quarantine(cluster, addresses, world)

  // An address that joined a greater group, or that nobody holds, is not placed by itself any more.
  const answers: PlaceAnswer[] = []
  for (const other of new Set([address, ...addresses])) {
    if (other === group) continue
    answers.push(await withdraw(cluster, other, world))
  }
  answers.push(await placeGroup(cluster, group, together, world))

  const waits = answers.flatMap(answer => (answer.outcome === 'wait' ? [answer.waitMs] : []))
  if (waits.length > 0) {
    world.later(key, Math.max(...waits) + 10)
    return
  }
  for (const answer of answers) await ringAnnouncers(cluster, answer, world.ring)
  if (answers.some(({ outcome }) => outcome === 'placed' || outcome === 'nobody')) {
    await world.ringSoon(`publish-${cluster}`, [ANNOUNCED_KEY])
  }
  await world.state.answered('place', key, dirty)
}

/** What a node whose lease has ended owns or stands by for is to be placed anew. */
export async function relieve(
  cluster: string,
  { state, lapsed, ring }: Pick<PlaceWorld, 'state' | 'lapsed' | 'ring'>,
): Promise<void> {
  for (const node of await lapsed(cluster)) {
    const groups = [
      ...(await state.groupsOf(cluster, node)),
      ...(await state.standbyOf(cluster, node)),
    ]
    await ring(
      'place',
      groups.map(group => `${cluster}/${group}`),
    )
  }
}

/** Those that another host turned out to have: their Services are decided anew. */
async function quarantine(
  cluster: string,
  addresses: readonly string[],
  { state, scripts, quarantineMs, ring }: PlaceWorld,
): Promise<void> {
  const known = await state.lan(addresses)
  const taken = addresses.filter((_, index) => {
    const record = known[index]
    return record && 'taken' in record
  })
  if (taken.length > 0) {
    await ring('allocate', await scripts.quarantine(cluster, taken, quarantineMs))
  }
}

export interface Group {
  /** Least first: the group is named by it. */
  readonly addresses: readonly string[]
  readonly services: readonly string[]
}

/** All addresses connected by Services that hold two of them or share one. */
export async function groupOf(cluster: string, address: string, state: State): Promise<Group> {
  const addresses = new Set<string>()
  const services = new Set<string>()
  const queue = [address]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const record = await state.addressRecord(next)
    if (!record || Object.keys(record.holders).length === 0) continue // free, or at rest
    addresses.add(next)
    for (const holder of Object.keys(record.holders)) {
      const { cluster: theirs, name } = split(holder)
      if (theirs !== cluster || services.has(name)) continue
      services.add(name)
      const allocation = await state.allocation(cluster, name)
      queue.push(...(allocation?.addresses ?? []).filter(one => !addresses.has(one)))
    }
  }
  return { addresses: [...addresses].sort(compareAddresses), services: [...services].sort() }
}

async function placeGroup(
  cluster: string,
  group: string,
  { addresses, services }: Group,
  world: PlaceWorld,
): Promise<PlaceAnswer> {
  const [around, lapsed, handedBy] = await Promise.all([
    surroundings(cluster, world.state),
    world.lapsed(cluster),
    world.state.handedBy(cluster, group),
  ])
  if (!around) return { outcome: 'same' } // nothing is judged from an absence
  return world.scripts.place(cluster, {
    group,
    addresses,
    ...(await judge(cluster, services, around, world.state)),
    lapsed,
    settleMs: SETTLE_MS,
    ...(handedBy && isBack(handedBy, around.announcers) && { prefer: handedBy }),
  })
}

/** What is judged by, besides the Services themselves; null while no configuration is known. */
export async function surroundings(cluster: string, state: State): Promise<PlaceState | null> {
  const [configured, nodes, announcers, drained] = await Promise.all([
    state.configuration(cluster),
    state.nodes(cluster),
    state.announcers(cluster),
    state.drained(cluster),
  ])
  return configured && { configuration: configured.configuration, nodes, announcers, drained }
}

/** Who may serve these Services together. */
export async function judge(
  cluster: string,
  services: readonly string[],
  around: PlaceState,
  state: State,
): Promise<Placing> {
  const members = await Promise.all(services.map(name => memberOf(cluster, name, state)))
  return place(
    members.filter(member => member !== null),
    around,
  )
}

/** The announcers whom the answer concerns read it. */
export async function ringAnnouncers(
  cluster: string,
  answer: PlaceAnswer,
  ring: PlaceWorld['ring'],
): Promise<void> {
  if (answer.outcome !== 'placed') return
  for (const node of answer.tell) await ring(`announce-${cluster}-${node}`, ['all'])
}

async function memberOf(cluster: string, name: string, state: State): Promise<Member | null> {
  const [{ record }, endpoints, allocation] = await Promise.all([
    state.service(cluster, name),
    state.endpoints(cluster, name),
    state.allocation(cluster, name),
  ])
  const { addresses = [], pool = null } = allocation ?? {}
  return record && { service: record, endpoints, addresses, pool: pool ?? '' }
}

function withdraw(cluster: string, address: string, { scripts }: PlaceWorld): Promise<PlaceAnswer> {
  return scripts.place(cluster, {
    group: address,
    addresses: [],
    candidates: [],
    lapsed: [],
    reason: 'joined another group, or is held by nobody',
    settleMs: SETTLE_MS,
  })
}
