/** What an announcer does on the wire. */
import type { Placement } from '../../functions/model/placement.ts'
import type { Link } from '../link/link.ts'
import type { State } from '../redis/state.ts'
import type { Metrics } from './metrics.ts'

export interface MeasuredPost {
  readonly node: string
  readonly link: Pick<Link, 'counters' | 'interfaces'>
  readonly state: Pick<State, 'addressRecord'>
  /** Addresses that this node announces now. */
  addresses(): readonly string[]
}

/** The link counts for itself; it is asked when somebody scrapes. */
export function measureLink(post: MeasuredPost, metrics: Metrics): void {
  metrics.beforeScrape(async () => {
    metrics.set('herald_announcer_interfaces', {}, post.link.interfaces().length)
    showCounters(await post.link.counters(), metrics)
  })
  metrics.beforeScrape(async () => {
    const addresses = post.addresses()
    const records = await Promise.all(addresses.map(post.state.addressRecord))
    metrics.clear(['metallb_speaker_announced'])
    addresses.forEach((ip, index) => {
      for (const id of Object.keys(records[index]?.holders ?? {})) {
        const service = id.slice(id.indexOf('/') + 1) // without the cluster
        const labels = { service, protocol: 'layer2', node: post.node, ip }
        metrics.set('metallb_speaker_announced', labels, 1)
      }
    })
  })
}

/** Observes how old the placement was of each group that is announced from now on. */
export function measureLag(
  fresh: readonly Placement[],
  { atMs, startedMs }: { readonly atMs: number; readonly startedMs: number },
  metrics: Metrics,
): void {
  for (const { sinceMs } of fresh) {
    // What was placed before this announcer started is not announced for the first time.
    if (sinceMs < startedMs) continue
    metrics.observe('herald_announcement_lag_seconds', {}, Math.max(0, atMs - sinceMs) / 1000)
  }
}

/** The link forgets what it does not announce any more, and so do we. */
function showCounters(counters: Awaited<ReturnType<Link['counters']>>, metrics: Metrics): void {
  metrics.clear([
    'metallb_layer2_requests_received',
    'metallb_layer2_responses_sent',
    'metallb_layer2_gratuitous_sent',
    'herald_layer2_dropped_total',
    'herald_layer2_send_errors_total',
    'herald_layer2_frames_lost_total',
    'herald_address_conflicts_total',
    'herald_beats_sent_total',
    'herald_beats_received_total',
    'herald_beats_lost_total',
    'herald_beats_dropped_total',
  ])
  for (const [ip, counted] of Object.entries(counters.addresses)) {
    metrics.count('metallb_layer2_requests_received', { ip }, counted.requestsReceived)
    metrics.count('metallb_layer2_responses_sent', { ip }, counted.responsesSent)
    metrics.count('metallb_layer2_gratuitous_sent', { ip }, counted.announcementsSent)
  }
  for (const [reason, count] of Object.entries(counters.drops)) {
    metrics.count('herald_layer2_dropped_total', { reason }, count)
  }
  for (const [error, count] of Object.entries(counters.sendErrors)) {
    metrics.count('herald_layer2_send_errors_total', { error }, count)
  }
  for (const [name, count] of Object.entries(counters.lost)) {
    metrics.count('herald_layer2_frames_lost_total', { interface: name }, count)
  }
  for (const [during, count] of Object.entries(counters.conflicts ?? {})) {
    metrics.count('herald_address_conflicts_total', { during }, count)
  }
  if (!counters.beats) return
  const { sent, received, lost, drops } = counters.beats
  metrics.count('herald_beats_sent_total', {}, sent)
  metrics.count('herald_beats_received_total', {}, received)
  metrics.count('herald_beats_lost_total', {}, lost)
  for (const [reason, count] of Object.entries(drops)) {
    metrics.count('herald_beats_dropped_total', { reason }, count)
  }
}
