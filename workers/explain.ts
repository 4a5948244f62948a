/** Answers why, from what lies in Redis and from the functions that decided. */
import { account } from '../functions/allocate/account.ts'
import { poolHolding } from '../functions/allocate/pools.ts'
import { canonical } from '../functions/model/address.ts'
import { Fault } from '../functions/model/fault.ts'
import type { LanRecord } from '../functions/model/finding.ts'
import { namespaceQuotaOf } from '../functions/model/pool-annotations.ts'
import { quarantineOf } from '../functions/model/quarantine.ts'
import { nameIn } from '../functions/model/service.ts'
import type { State } from '../infra/redis/state.ts'
import { type Told, timeOf } from './ask.ts'
import type { Source } from './listing.ts'
import { groupOf, judge, surroundings } from './on-place.ts'

export interface Explained {
  readonly value: unknown
  readonly lines: Told
}

type Where = Pick<Source, 'state' | 'cluster'>

export async function explainService({ state, cluster }: Where, name: string): Promise<Explained> {
  const [{ record: service }, held, configured, nodes, labels] = await Promise.all([
    state.service(cluster, name),
    state.allocation(cluster, name),
    state.configuration(cluster),
    state.nodes(cluster),
    state.namespaceLabels(cluster, name.split('/')[0] ?? ''),
  ])
  if (!service) throw unknown('Service', name, 'a Service is written namespace/name')
  const addresses = held?.addresses ?? []
  const [records, quarantines] = await Promise.all([
    Promise.all(addresses.map(state.addressRecord)),
    state.quarantines(addresses),
  ])
  const asked = {
    configuration: configured?.configuration ?? null,
    namespaceLabels: labels ?? {},
    held,
    records,
    quarantines,
    nodeAddresses: nodes.flatMap(node => node.addresses),
    id: `${cluster}/${name}`,
  }
  const verdicts = configured ? account(service, asked, configured.configuration) : null
  const placed = await announced({ state, cluster }, addresses)
  const lines: Told = [
    ['Service', `${name} (${service.type}, needs ${verdicts?.families ?? 'no known family'})`],
    [
      'holds',
      held?.addresses.length
        ? `${held.addresses.join(', ')} from pool "${held.pool}" since ${timeOf(held.sinceMs)}`
        : 'nothing',
    ],
    ...(held?.refusal ? [['because', held.refusal.message] as const] : []),
    ...(held || !verdicts?.refusal ? [] : [['because', verdicts.refusal] as const]),
    ...(configured ? [] : [['because', 'no configuration has been judged yet'] as const]),
    ...placed.map(text => ['announced', text] as const),
    ...(verdicts?.pools ?? []).map(({ pool, rank, verdict }) => {
      const text = rank ? `${verdict}; looked at as number ${rank}` : verdict
      return ['pool', `"${pool}" ${text}`] as const
    }),
  ]
  return { value: { service: name, held, ...verdicts, announced: placed }, lines }
}

export async function explainAddress({ state, cluster }: Where, text: string): Promise<Explained> {
  const address = canonical(text)
  if (!address) throw unknown('address', text, 'an address is 192.0.2.1 or 2001:db8::1')
  const [record, configured, [lan]] = await Promise.all([
    state.addressRecord(address),
    state.configuration(cluster),
    state.lan([address]),
  ])
  const pool = poolHolding(configured?.configuration.pools ?? [], [address])?.name ?? null
  const holders = Object.entries(record?.holders ?? {})
  const placed = await announced({ state, cluster }, [address])
  const lines: Told = [
    ['address', address],
    ['pool', pool ? `"${pool}"` : 'in none that may hand it out'],
    ...holders.map(([id, { ports, sinceMs }]) => {
      return [
        'held',
        `by ${nameIn(cluster, id)} with ${ports.join(', ')} since ${timeOf(sinceMs)}`,
      ] as const
    }),
    ...(holders.length > 0 ? [] : [['held', afterOf(cluster, record?.after)] as const]),
    ...placed.map(line => ['announced', line] as const),
    ...(lan ? [['on the LAN', lanWords(lan)] as const] : []),
  ]
  return { value: { address, pool, record, announced: placed, lan: lan ?? null }, lines }
}

type After = NonNullable<Awaited<ReturnType<State['addressRecord']>>>['after']

function afterOf(cluster: string, after: After): string {
  if (!after) return 'by nobody: it is free'
  const until = after.untilMs < 0 ? 'for ever' : `until ${timeOf(after.untilMs)}`
  const quarantine = quarantineOf(after.service)
  if (quarantine) {
    const { mac, sinceMs } = quarantine
    return `by nobody: it is quarantined ${until}, as another host on the LAN has it, with the MAC ${mac}, found at ${timeOf(sinceMs)}`
  }
  const service = nameIn(cluster, after.service)
  return after.reserved
    ? `by nobody: it is reserved for ${service} ${until}`
    : `by nobody: it rests ${until}, and returns to ${service} at once`
}

function lanWords(lan: LanRecord): string {
  if ('unprobed' in lan) return 'not announced yet: whether another host has it is found out first'
  const { mac, node, interface: at, sinceMs, lastMs } = 'taken' in lan ? lan.taken : lan.claimed
  const heard = `another host, with the MAC ${mac}, heard by ${node} on ${at} since ${timeOf(sinceMs)}`
  return 'taken' in lan
    ? `in use by ${heard}; about to be quarantined`
    : `claimed too by ${heard}, at last at ${timeOf(lastMs)}`
}

export async function explainPool({ state, cluster }: Where, name: string): Promise<Explained> {
  const configured = await state.configuration(cluster)
  const pool = configured?.configuration.pools.find(one => one.name === name)
  if (!pool) {
    const known = configured?.configuration.pools.map(one => one.name).join(', ')
    throw unknown('pool', name, `known pools: ${known || 'none'}`)
  }
  const rule = pool.serviceAllocation
  const quota = namespaceQuotaOf(pool)
  const lines: Told = [
    ['pool', `"${name}": ${pool.addresses.join(', ')}`],
    ['automatic', pool.autoAssign ? 'yes' : 'no: only for who asks for it'],
    ['admits', rule ? `${JSON.stringify(rule)}` : 'every Service'],
    ...(quota === null ? [] : [['quota', `${quota} addresses for each namespace`] as const]),
    ...(pool.avoidBuggyIPs ? [['skips', 'addresses that end in .0 or .255'] as const] : []),
  ]
  return { value: pool, lines }
}

/** Where these are announced, or why nowhere: each group of addresses in a line. */
async function announced({ state, cluster }: Where, addresses: readonly string[]) {
  const groups = await Promise.all(addresses.map(one => groupOf(cluster, one, state)))
  const byName = new Map(groups.map(group => [group.addresses[0], group]))
  const lines = [...byName].map(async ([name, group]) => {
    if (name === undefined) return [] // nobody holds it
    const placed = await announcedOf(state, cluster, [name])
    if (placed.length > 0) return placed
    const why = await whyNobody({ state, cluster }, group.services)
    return [`${group.addresses.join(', ')} by nobody: ${why}`]
  })
  return (await Promise.all(lines)).flat()
}

/** Judged anew: a group that no node could ever serve has no placement that would say why. */
async function whyNobody({ state, cluster }: Where, services: readonly string[]): Promise<string> {
  const around = await surroundings(cluster, state)
  if (!around) return 'no configuration has been judged yet'
  const { candidates, reason } = await judge(cluster, services, around, state)
  const names = candidates.map(one => one.node).join(', ')
  return names ? `${names} may, but no announcer is heard of there` : reason
}

/** Which node answers for each of these groups that one answers for. */
export async function announcedOf(state: State, cluster: string, groups: readonly string[]) {
  const placements = await state.placements(cluster, groups)
  return [...placements].flatMap(([group, placement]) => {
    if (!placement?.owner) return []
    const { addresses, owner, standbys, sinceMs, epoch } = placement
    const which = addresses.join(', ') || group
    const others = standbys.map(one => one.node).join(', ') || 'none'
    return [
      `${which} by ${owner.node} since ${timeOf(sinceMs)} (standbys: ${others}; epoch ${epoch.number})`,
    ]
  })
}

export function unknown(kind: string, name: string, why: string): Fault {
  return new Fault('NotKnown', {
    what: `No ${kind} "${name}" is known here`,
    why,
    remedy: 'Look at the name, and at --cluster and --prefix if they are not the default ones',
  })
}
