/**
 * Every metric of every process: what it counts, in what unit (said by its name, as Prometheus wants it), by which
 * labels, and who sets it. Names that begin with metallb_ mean what MetalLB means by them (metallb-behaviour 7), so
 * that its dashboards and alerts go on working; ours begin with herald_. Beside them each process shows process_…
 * and nodejs_…, as prom-client collects them.
 *
 * Label values are few: pools, nodes, queues, interfaces, outcomes. Only what MetalLB itself labels with a Service or
 * an address is, and then only for what one node announces.
 */
export interface Metric {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  /** Processes that set it; where it is one allocator or watcher of several, so that sums stay right, `help` says so. */
  readonly by: readonly ('watcher' | 'allocator' | 'announcer' | 'console')[]
  readonly help: string
  /** Upper bounds of a histogram, in seconds. */
  readonly buckets?: readonly number[]
}

const NONE = [] as const
/** From a script call (0.1 ms) to a connection that counts as dead (5 s). */
const CALL_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5]
/** From a job that finds nothing to do to one that waited out every backoff. */
const WORK_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** From a planned stop to an owner that only its lease gave up. */
const OUTAGE_S = [0.05, 0.1, 0.2, 0.3, 0.35, 0.4, 0.5, 0.75, 1, 2.5, 5, 10]

const sweeping = (help: string) => `${help}; shown by the one allocator that sweeps`

/** Addresses of pools. */
const POOLS = {
  metallb_allocator_addresses_total: {
    type: 'gauge',
    labels: ['pool'],
    by: ['allocator'],
    help: sweeping('Usable addresses of the pool'),
  },
  metallb_allocator_addresses_in_use_total: {
    type: 'gauge',
    labels: ['pool'],
    by: ['allocator'],
    help: sweeping('Addresses of the pool that Services hold; a shared one counts once'),
  },
  metallb_allocator_ipv4_addresses_total: {
    type: 'gauge',
    labels: ['pool'],
    by: ['allocator'],
    help: sweeping('Usable IPv4 addresses of the pool'),
  },
  metallb_allocator_ipv4_addresses_in_use_total: {
    type: 'gauge',
    labels: ['pool'],
    by: ['allocator'],
    help: sweeping('IPv4 addresses of the pool that Services hold'),
  },
  metallb_allocator_ipv6_addresses_total: {
    type: 'gauge',
    labels: ['pool'],
    by: ['allocator'],
    help: sweeping('Usable IPv6 addresses of the pool'),
  },
  metallb_allocator_ipv6_addresses_in_use_total: {
    type: 'gauge',
    labels: ['pool'],
    by: ['allocator'],
    help: sweeping('IPv6 addresses of the pool that Services hold'),
  },
  herald_pool_addresses: {
    type: 'gauge',
    labels: ['cluster', 'pool', 'state'],
    by: ['allocator'],
    help: sweeping(
      'Addresses of the pool that are free, held, resting (cool-down) or reserved (or quarantined)',
    ),
  },
  herald_services_waiting: {
    type: 'gauge',
    labels: NONE,
    by: ['allocator'],
    help: sweeping('Services that wait for an address'),
  },
} as const satisfies Record<string, Metric>

/** What MetalLB's processes say of their Kubernetes client. */
const KUBERNETES = {
  metallb_k8s_client_updates_total: {
    type: 'counter',
    labels: NONE,
    by: ['watcher'],
    help: 'Changes of Kubernetes objects that were taken in',
  },
  metallb_k8s_client_update_errors_total: {
    type: 'counter',
    labels: NONE,
    by: ['watcher'],
    help: 'Failures to take changes of Kubernetes objects in; they are tried again',
  },
  metallb_k8s_client_config_loaded_bool: {
    type: 'gauge',
    labels: NONE,
    by: ['watcher'],
    help: '1 once a configuration is in force',
  },
  metallb_k8s_client_config_stale_bool: {
    type: 'gauge',
    labels: NONE,
    by: ['watcher'],
    help: '1 while a part of the configuration is refused and the last good one stays in force',
  },
  herald_kubernetes_request_duration_seconds: {
    type: 'histogram',
    labels: ['method', 'code'],
    by: ['watcher'],
    help: 'Requests to the API server with all their attempts, by HTTP status; code 0: no answer',
    buckets: CALL_S,
  },
  herald_watch_restarts_total: {
    type: 'counter',
    labels: ['kind'],
    by: ['watcher'],
    help: 'Watches that broke off and were begun again',
  },
  herald_service_status_lag_seconds: {
    type: 'histogram',
    labels: NONE,
    by: ['watcher'],
    help: 'From the event of a Service to its status being written, where one watcher did both',
    buckets: WORK_S,
  },
} as const satisfies Record<string, Metric>

/** Queues, claims and placements. */
const WORK = {
  herald_queue_jobs: {
    type: 'gauge',
    labels: ['queue', 'state'],
    by: ['allocator'],
    help: sweeping('Jobs that are waiting, active, delayed (tried again later) or failed'),
  },
  herald_queue_oldest_job_age_seconds: {
    type: 'gauge',
    labels: ['queue'],
    by: ['allocator'],
    help: sweeping('Age of the job that has waited longest; 0 when none waits'),
  },
  herald_queue_unanswered: {
    type: 'gauge',
    labels: ['queue'],
    by: ['allocator'],
    help: sweeping('Facts written down that nobody has acted upon yet'),
  },
  herald_job_duration_seconds: {
    type: 'histogram',
    labels: ['queue', 'outcome'],
    by: ['watcher', 'allocator', 'announcer'],
    help: 'Answers to jobs, by queue (allocate, place, publish, announce) and outcome (done, failed)',
    buckets: WORK_S,
  },
  herald_claim_duration_seconds: {
    type: 'histogram',
    labels: ['outcome'],
    by: ['allocator'],
    help: 'Claims, from request to answer of Redis: claimed, kept, refused, released; changed and unadopted are tried again',
    buckets: CALL_S,
  },
  herald_placements_total: {
    type: 'counter',
    labels: ['change'],
    by: ['allocator'],
    help: 'Groups that were placed for the first time, moved to another node, or withdrawn',
  },
  herald_leases_lapsed: {
    type: 'gauge',
    labels: ['cluster'],
    by: ['allocator'],
    help: sweeping('Nodes that Kubernetes has and whose announcer has not renewed its lease'),
  },
  herald_redis_ping_seconds: {
    type: 'histogram',
    labels: NONE,
    by: ['watcher', 'allocator', 'announcer', 'console'],
    help: 'Answers of Redis to a PING each second, behind whatever else waits on the connection',
    buckets: CALL_S,
  },
} as const satisfies Record<string, Metric>

/** On the wire. */
const WIRE = {
  metallb_speaker_announced: {
    type: 'gauge',
    labels: ['service', 'protocol', 'node', 'ip'],
    by: ['announcer'],
    help: '1 for each address of each Service that this node announces',
  },
  metallb_layer2_requests_received: {
    type: 'counter',
    labels: ['ip'],
    by: ['announcer'],
    help: 'ARP and NDP requests for addresses that this node announces',
  },
  metallb_layer2_responses_sent: {
    type: 'counter',
    labels: ['ip'],
    by: ['announcer'],
    help: 'ARP and NDP replies for addresses that this node announces',
  },
  metallb_layer2_gratuitous_sent: {
    type: 'counter',
    labels: ['ip'],
    by: ['announcer'],
    help: 'Frames sent unasked to announce addresses of this node',
  },
  herald_layer2_dropped_total: {
    type: 'counter',
    labels: ['reason'],
    by: ['announcer'],
    help: 'Frames heard and not answered, by reason',
  },
  herald_layer2_send_errors_total: {
    type: 'counter',
    labels: ['error'],
    by: ['announcer'],
    help: 'Frames that could not be sent, by error of the system',
  },
  herald_layer2_frames_lost_total: {
    type: 'counter',
    labels: ['interface'],
    by: ['announcer'],
    help: 'Frames that came faster than they were read',
  },
  herald_address_conflicts_total: {
    type: 'counter',
    labels: ['during'],
    by: ['announcer'],
    help: 'Frames in which another host claims an address of this node, while it is probed (probe) or announced (announcement)',
  },
  herald_beats_sent_total: {
    type: 'counter',
    labels: NONE,
    by: ['announcer'],
    help: 'Beats and sets of claims sent to other announcers on the LAN',
  },
  herald_beats_received_total: {
    type: 'counter',
    labels: NONE,
    by: ['announcer'],
    help: 'Beats and sets of claims of other announcers that came in, also those that were dropped',
  },
  herald_beats_lost_total: {
    type: 'counter',
    labels: NONE,
    by: ['announcer'],
    help: 'Beats of other announcers that did not come in, estimated by the gaps between those that did; those of a node that is away do not count',
  },
  herald_beats_dropped_total: {
    type: 'counter',
    labels: ['reason'],
    by: ['announcer'],
    help: 'Beats and sets of claims that were not understood, not believed or not sent, by reason',
  },
  herald_liveness_alarms_total: {
    type: 'counter',
    labels: ['reason'],
    by: ['announcer'],
    help: 'Warnings, each at most every 10 s for a node: its beats fail authentication (unknownBeat), or do not get through (beatsBlocked)',
  },
  herald_failovers_total: {
    type: 'counter',
    labels: NONE,
    by: ['announcer'],
    help: 'Groups that this node has taken over on the LAN from one that fell silent or handed over',
  },
  herald_failover_outage_seconds: {
    type: 'histogram',
    labels: NONE,
    by: ['announcer'],
    help: 'For each group taken over: from the last beat of its owner until this node announced it; 0 where it was handed over',
    buckets: OUTAGE_S,
  },
  herald_announcer_interfaces: {
    type: 'gauge',
    labels: NONE,
    by: ['announcer'],
    help: 'Interfaces that this node announces on',
  },
  herald_kernel_answers: {
    type: 'gauge',
    labels: NONE,
    by: ['announcer'],
    help: 'Addresses of Services that the kernel of this node answers for by itself: kube-proxy in IPVS mode without strictARP',
  },
  herald_lease_renewals_failed_total: {
    type: 'counter',
    labels: NONE,
    by: ['announcer'],
    help: 'Renewals of the lease in Redis that failed; what is announced stays announced',
  },
  herald_announcement_lag_seconds: {
    type: 'histogram',
    labels: NONE,
    by: ['announcer'],
    help: 'From the placement of a group on this node to its first announcement, less the time in which new addresses are probed',
    buckets: WORK_S,
  },
} as const satisfies Record<string, Metric>

export const CATALOG = { ...POOLS, ...KUBERNETES, ...WORK, ...WIRE }

export type MetricName = keyof typeof CATALOG
