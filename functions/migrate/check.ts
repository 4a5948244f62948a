/** What would change for a cluster that MetalLB serves, if Herald took over as things are now. Best: nothing. */
import { type AllocateCommand, allocate } from '../allocate/allocate.ts'
import { poolHolding } from '../allocate/pools.ts'
import { sharingOf } from '../allocate/sharing.ts'
import { configure } from '../configure/configure.ts'
import type { Allocation } from '../model/allocation.ts'
import type { Configuration, ConfigurationObject } from '../model/configuration.ts'
import type { Labels } from '../model/selector.ts'
import { isOurs, type Service } from '../model/service.ts'
import { advertisementsOf } from '../place/place.ts'

export interface ClusterFound {
  readonly objects: readonly ConfigurationObject[]
  /** Names of the BGPPeers. */
  readonly peers: readonly string[]
  readonly services: readonly Service[]
  readonly namespaceLabels: ReadonlyMap<string, Labels>
  readonly nodeAddresses: readonly string[]
  /** "namespace/name" of MetalLB's pods that run. */
  readonly metallbPods: readonly string[]
}

export interface Finding {
  /** "Service default/web", "BGPPeer tor" … */
  readonly subject: string
  readonly message: string
}

export interface Verdict {
  /** To be done before Herald starts; no change of its own. */
  readonly first: readonly Finding[]
  /** Empty: nothing would change. The configuration, then each Service. */
  readonly changes: readonly Finding[]
}

export function check(cluster: ClusterFound, loadBalancerClass: string | null): Verdict {
  const { configuration, faults } = configure(cluster.objects, null)
  const first = cluster.metallbPods.map(pod => ({
    subject: `Pod ${pod}`,
    message:
      'MetalLB runs: both would write statuses and answer for the same addresses. Stop it before Herald starts',
  }))
  const changes = [
    ...faults.map(({ kind, name, mistakes }) => ({
      subject: `${kind} ${name}`,
      message: `Herald would refuse it: ${mistakes}`,
    })),
    ...unconfigured(cluster, configuration),
    ...cluster.peers.map(name => ({
      subject: `BGPPeer ${name}`,
      message:
        'is not served yet: this router would learn no routes. Announce by layer 2, or stay with MetalLB for now',
    })),
    ...cluster.services
      .filter(service => service.type === 'LoadBalancer')
      .flatMap(service => ofService(service, cluster, configuration, loadBalancerClass)),
  ]
  return { first, changes }
}

function unconfigured({ objects }: ClusterFound, { source }: Configuration): Finding[] {
  if (objects.length > 0 || source !== 'none') return []
  const message =
    'there is neither an IPAddressPool nor a ConfigMap "config": no Service could get an address. Is it another namespace (--namespace)?'
  return [{ subject: 'Configuration', message }]
}

function ofService(
  service: Service,
  cluster: ClusterFound,
  configuration: Configuration,
  loadBalancerClass: string | null,
): Finding[] {
  const subject = `Service ${service.namespace}/${service.name}`
  const held = service.addresses.join(', ')
  const found = (message: string): Finding[] => [{ subject, message }]
  if (!isOurs(service, loadBalancerClass)) {
    if (held === '') return []
    const { loadBalancerClass: its } = service
    const says = its === null ? 'has no loadBalancerClass' : `is of loadBalancerClass "${its}"`
    const remedy =
      its === null ? 'start it without one' : `start it with --load-balancer-class ${its}`
    return found(`${says}: Herald would leave ${held} alone. If MetalLB served it, ${remedy}`)
  }
  const rival = rivalOf(service, cluster.services, loadBalancerClass)
  if (rival) {
    return found(
      `shows ${held}, as ${rival} does, which is older and does not share it: it would get another address`,
    )
  }
  const decided = allocate(service, stateOf(service, cluster, configuration))
  if ('cleared' in decided && decided.cleared && !keeps(decided, service)) {
    return found(`would lose ${held}: ${decided.cleared.message}`)
  }
  if (held === '') {
    return decided.do === 'claim' ? found('waits, and would get an address if there is room') : []
  }
  return announced(service, configuration)
    ? []
    : found(`would keep ${held}, but no L2Advertisement announces it: add one for its pool`)
}

/** What is tried first is what it has: a claim that only writes that down. */
function keeps(decided: AllocateCommand, { addresses }: Service): boolean {
  if (decided.do !== 'claim') return false
  const [first] = decided.choices
  const same = first !== undefined && addresses.length > 0 && poolHolding([first.pool], addresses)
  return Boolean(same) && addresses.length <= (first?.parts.filter(isExact).length ?? 0)
}

const isExact = (part: object): boolean => 'exact' in part

/** An older Service on one of its addresses that may not share it (claim.lua compares the same). */
function rivalOf(
  service: Service,
  services: readonly Service[],
  loadBalancerClass: string | null,
): string | null {
  const mine = sharingOf(service)
  const older = services
    .filter(one => isOurs(one, loadBalancerClass) && one.uid !== service.uid)
    .filter(one => one.addresses.some(address => service.addresses.includes(address)))
    .filter(
      one =>
        one.createdMs < service.createdMs ||
        (one.createdMs === service.createdMs && one.uid < service.uid),
    )
  const rival = older.find(one => {
    const its = sharingOf(one)
    const fits = mine.sharing !== '' && mine.sharing === its.sharing && mine.backend === its.backend
    return !fits || mine.ports.some(port => its.ports.includes(port))
  })
  return rival ? `${rival.namespace}/${rival.name}` : null
}

/** As if Herald had adopted what the status shows. */
function stateOf(service: Service, cluster: ClusterFound, configuration: Configuration) {
  const pool = poolHolding(configuration.pools, service.addresses)
  const held: Allocation = {
    v: 2,
    uid: service.uid,
    addresses: service.addresses,
    pool: pool?.name ?? null,
    sinceMs: service.createdMs,
    refusal: null,
    incarnation: '',
  }
  return {
    configuration,
    namespaceLabels: cluster.namespaceLabels.get(service.namespace) ?? {},
    held: service.addresses.length > 0 ? held : null,
    records: service.addresses.map(() => null),
    quarantines: [],
    nodeAddresses: cluster.nodeAddresses,
    id: `migrate/${service.namespace}/${service.name}`,
  }
}

function announced(service: Service, configuration: Configuration): boolean {
  const pool = poolHolding(configuration.pools, service.addresses)
  return pool !== null && advertisementsOf(service, pool.name, configuration).length > 0
}
