/** Reserves an address for a Service by hand, and ends what was reserved: `herald reserve` and `herald release`. */
import { reservedFor } from '../functions/allocate/explain.ts'
import { locate, type Place } from '../functions/allocate/windows.ts'
import { canonical } from '../functions/model/address.ts'
import { Fault } from '../functions/model/fault.ts'
import { quarantineOf } from '../functions/model/quarantine.ts'
import { nameIn } from '../functions/model/service.ts'
import type { UpConfig } from '../infra/config.ts'
import type { World } from '../infra/process.ts'
import { openBells } from '../infra/queue/queues.ts'
import { type Deciding, decidingOf } from '../infra/redis/decisions.ts'
import { type Asked, type Told, tell, timeOf, withRedis } from './ask.ts'

/** The Service need not be there yet; nobody else gets the address until then. */
export function runReserve(world: World<UpConfig>, text: string): Promise<number> {
  const { cluster, clusters, service, forMs } = world.config
  if (service === null) {
    throw new Fault('ConfigInvalid', {
      what: '--service is missing',
      why: 'an address is reserved for somebody',
      remedy: 'Example: herald reserve 192.168.50.211 --service default/nginx --for 24h',
    })
  }
  const place = placeOf(text)
  return decide(world, async ({ deciding, state, ring }) => {
    const id = `${cluster}/${service}`
    const answer = await deciding.reserve({ cluster, clusters, ...place, service: id, forMs })
    if (answer.outcome === 'held' || answer.outcome === 'elsewhere')
      throw taken(cluster, place, answer.by)
    if (answer.outcome !== 'reserved') throw unadopted()
    await ring('allocate', [id]) // if it waits, it may have this one
    const until = answer.untilMs < 0 ? 'for ever' : `until ${timeOf(answer.untilMs)}`
    const held = (await state.addressRecord(place.address))?.holders[id] !== undefined
    return {
      value: { address: place.address, service, untilMs: answer.untilMs, held },
      lines: [
        ['reserved', `${place.address} for ${service} ${until}`],
        ...(held ? [['held', `by ${service} now; the reservation outlives that`] as const] : []),
      ],
    }
  })
}

export function runRelease(world: World<UpConfig>, text: string): Promise<number> {
  const { cluster, clusters } = world.config
  const place = placeOf(text)
  return decide(world, async ({ deciding, state, ring }) => {
    const answer = await deciding.reserve({ cluster, clusters, ...place })
    if (answer.outcome === 'unreserved') {
      const holders = Object.keys((await state.addressRecord(place.address))?.holders ?? {}).map(
        id => nameIn(cluster, id),
      )
      throw new Fault('NotReserved', {
        what: `${place.address} is not reserved`,
        why: holders.length > 0 ? `it is held by ${holders.join(', ')}` : 'nobody has reserved it',
        remedy: `"herald explain address ${place.address}" says what it is; who holds it loses it by its own specification`,
      })
    }
    if (answer.outcome !== 'released') throw unadopted()
    const { service } = answer
    const holder = answer.holder && nameIn(cluster, answer.holder)
    await ring('allocate', holder ? [] : [`${cluster}/waiting`])
    const whose = quarantineOf(service) ? null : nameIn(cluster, service)
    return {
      value: { address: place.address, service: whose, holder },
      lines: [
        ['released', `${place.address}, which was ${reservedFor(cluster, service)}`],
        ['now', holder ? `held by ${holder}, as before` : 'free'],
      ],
    }
  })
}

interface Deciders extends Pick<Asked, 'state'> {
  readonly deciding: Deciding
  ring(queue: string, keys: readonly string[]): Promise<void>
}

function decide(
  { config, log, ...world }: World<UpConfig>,
  command: (deciders: Deciders) => Promise<{ readonly value: unknown; readonly lines: Told }>,
): Promise<number> {
  return withRedis({ config, log, ...world }, async ({ redis, state }) => {
    const bells = openBells(redis, config.prefix, log)
    try {
      const deciding = decidingOf(redis, config.prefix)
      tell(await command({ deciding, state, ring: bells.ring }), config.output)
    } finally {
      await bells.close()
    }
    return 0
  })
}

function placeOf(text: string): Place {
  const place = locate(canonical(text) ?? '')
  if (place) return place
  throw new Fault('ConfigInvalid', {
    what: `"${text}" is no address`,
    why: 'an address is 192.0.2.1 or 2001:db8::1, without a prefix length',
    remedy: 'Example: herald reserve 192.168.50.211 --service default/nginx',
  })
}

const taken = (cluster: string, { address }: Place, by: string): Fault =>
  new Fault('AddressTaken', {
    what: `${address} cannot be reserved`,
    why: quarantineOf(by)
      ? `it is ${reservedFor(cluster, by)}`
      : `it is held by or reserved for ${nameIn(cluster, by)}`,
    remedy: `Reserve another one, or free it first: "herald explain address ${address}" says more`,
  })

const unadopted = (): Fault =>
  new Fault('NotAdopted', {
    what: 'It is not known yet who holds what',
    why: 'this Redis is new or empty, and the watchers of all clusters (--clusters) have not told it what is held',
    remedy: 'Start the watchers, and try again when their /readyz says 200',
    retry: true,
  })
