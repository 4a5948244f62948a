/**
 * Every key that Herald keeps in Redis: name, type, writer, life. BullMQ's keys stand beside them under
 * the same prefix. The prefix is a hash tag, so on Redis Cluster all of them share one slot and a script
 * may derive a key (a page, a node's groups) from the prefix alone. A name that ends with ":" is the beginning of many.
 * Who may touch which: acl.ts.
 *
 * "service id" is cluster/namespace/name; "group id" is cluster/least-address.
 */
export interface Keys {
  /** hash, service name -> "<resourceVersion> <Service|null>"; watcher; null is a tombstone, kept 10 minutes. */
  services(cluster: string): string
  /** hash, service name -> "<resourceVersion> <Endpoints>"; watcher. */
  endpoints(cluster: string): string
  /** hash, node name -> "<resourceVersion> <Node|null>"; watcher. */
  nodes(cluster: string): string
  /** hash, namespace -> "<resourceVersion> <labels|null>"; watcher. */
  namespaces(cluster: string): string
  /** hash, kind/name -> "<resourceVersion> <ConfigurationObject|null>"; watcher. */
  objects(cluster: string): string
  /** zset, "<key of the hash> <field>" -> ms of the deletion: tombstones in the five hashes above; learn and purge scripts. */
  tombstones: string
  /** string, counts accepted changes to `objects`; watcher. */
  objectsRevision(cluster: string): string
  /** string, "<revision> <Configuration>": what is in force; watcher. */
  configuration(cluster: string): string
  /** string, signed Windows (functions/announce/windows.ts): what may be announced; watcher, where it has a key. */
  windows(cluster: string): string
  /** hash, service name -> Allocation; claim, conclude and adopt scripts; deleted with the Service. */
  allocations(cluster: string): string
  /** hash, address -> AddressRecord; claim and adopt scripts; common to all clusters. */
  addresses: string
  /**
   * hash, address -> "unprobed <automatic|named>": nobody has announced it yet; "taken <who>": nobody will, as another host has it;
   * "claimed <who>": another host claims it too; who: "<mac> <node> <interface> <sinceMs> <lastMs>"; claim, found, quarantine,
   * renew and adopt scripts; deleted when its last holder goes; common.
   */
  lan: string
  /** string prefix of bitmap pages, 65,536 addresses each; claim and adopt scripts; common. */
  page: string
  /** set prefix, + cluster/sharing key -> "page offset address": addresses held under that key; claim script. */
  shareable: string
  /** set prefix, + cluster/namespace/pool -> addresses of the pool that the namespace holds; claim and adopt scripts. */
  used: string
  /** zset, all of score 0: marks (page:offset) of addresses that Services hold; claim, conclude and adopt scripts; common. */
  held: string
  /**
   * hash, mark of an address that nobody holds -> ms until which it is kept for one Service or quarantined, -1 = for ever; claim,
   * conclude, reserve and adopt scripts.
   */
  reserved: string
  /** zset, service id -> ms: who waits for an address, longest first; claim script. */
  waiting: string
  /** hash, service id -> what it would rather have than what it keeps; claim script. */
  wishes: string
  /** zset, address -> ms at which its cool-down or reservation ends; claim script; common. */
  resting: string
  /** hash, service id -> addresses it gave up that rest or are reserved for it; claim script. */
  returning: string
  /** hash, service name -> Intent: what the status patch under way will show, and what is to be said then; watcher. */
  intents(cluster: string): string
  /** hash, namespace/name of an event -> EventToWrite: shown and to be said; watcher. */
  unsaid(cluster: string): string
  /**
   * hash, address -> "<service id> <untilMs> <hand|annotation>"; claim, conclude, reserve, quarantine and adopt scripts; common. In
   * place of a Service a quarantine may stand (functions/model/quarantine.ts).
   */
  reservations: string
  /** hash, node -> ms since when it is drained; drain script. */
  drained(cluster: string): string
  /**
   * hash, "<configuration|reservations|drained>/<cluster>" -> µs: when what no status shows was last decided; whoever
   * decides it.
   */
  decided: string
  /** zset, key -> version (µs): bells to be answered; whoever writes the fact. */
  dirty(queue: string): string
  /**
   * list, traceparents of who rang a bell since it was last answered, the newest few; expires; who rings within a trace. Among
   * BullMQ's keys of the queue: who may touch these may touch it.
   */
  rung(queue: string, key: string): string
  /** hash, cluster -> incarnation in which its adoption was completed; adopt script. */
  adopted: string
  /** string, nonce of the adoption under way, expires when its watcher is silent; adopt script. */
  adopting(cluster: string): string
  /** set, services adopted in the adoption under way; adopt script. */
  adoptedNow(cluster: string): string
  /** hash, group -> Placement; place script, and renew for what was taken over on the LAN. */
  placements(cluster: string): string
  /** set, groups placed on a node; place and renew scripts. */
  groupsOf(cluster: string, node: string): string
  /** set, groups that a node stands by for; place and renew scripts. */
  standbyOf(cluster: string, node: string): string
  /** set, groups without an owner or with fewer than two standbys (an earlier version: without an owner); place script. */
  wanting(cluster: string): string
  /** hash {number, incarnation, sinceMs}: the epoch counter of the prefix; place and renew scripts. */
  epoch: string
  /** hash, group -> node that handed it over in a planned stop, and is to have it back; announcer, place script. */
  handed(cluster: string): string
  /** zset, node -> ms at which its lease ends; renew script. */
  leases(cluster: string): string
  /** string, the secret of beats where none is given; the first announcer. */
  beatKey: string
  /** hash, node -> Announcer; renew script. */
  announcers(cluster: string): string
  /** stream, capped: who got and lost which address, when, why; claim script. */
  history: string
  /** string with a short life: the allocator that sweeps; allocator. */
  sweeper: string
}

export function keysOf(prefix: string): Keys {
  const of = (kind: string) => (cluster: string) => `${prefix}:${cluster}:${kind}`
  return {
    services: of('services'),
    endpoints: of('endpoints'),
    nodes: of('nodes'),
    namespaces: of('namespaces'),
    objects: of('objects'),
    tombstones: `${prefix}:tombstones`,
    objectsRevision: of('objects-revision'),
    configuration: of('configuration'),
    windows: of('windows'),
    allocations: of('allocations'),
    addresses: `${prefix}:addresses`,
    lan: `${prefix}:lan`,
    page: `${prefix}:page:`,
    shareable: `${prefix}:shareable:`,
    used: `${prefix}:used:`,
    held: `${prefix}:held`,
    reserved: `${prefix}:reserved`,
    waiting: `${prefix}:waiting`,
    wishes: `${prefix}:wishes`,
    resting: `${prefix}:resting`,
    returning: `${prefix}:returning`,
    intents: of('intents'),
    unsaid: of('unsaid'),
    reservations: `${prefix}:reservations`,
    drained: of('drained'),
    decided: `${prefix}:decided`,
    dirty: queue => `${prefix}:dirty:${queue}`,
    rung: (queue, key) => `${prefix}:${queue}:rung:${key}`,
    adopted: `${prefix}:adopted`,
    adopting: of('adopting'),
    adoptedNow: of('adopting:round'),
    placements: of('placements'),
    groupsOf: (cluster, node) => `${prefix}:${cluster}:groups:${node}`,
    standbyOf: (cluster, node) => `${prefix}:${cluster}:standby:${node}`,
    wanting: of('unplaced'),
    epoch: `${prefix}:epoch`,
    handed: of('handed'),
    leases: of('leases'),
    beatKey: `${prefix}:beat-key`,
    announcers: of('announcers'),
    history: `${prefix}:history`,
    sweeper: `${prefix}:sweeper`,
  }
}
