/** Answers why of what runs: what a node is good for and announces, and what a queue waits for. */
import { type Told, timeOf } from './ask.ts'
import { announcedOf, type Explained, unknown } from './explain.ts'
import { queueNames, type Source } from './listing.ts'

export async function explainNode(source: Source, name: string): Promise<Explained> {
  const { state, scripts, cluster } = source
  const [nodes, announcer, leases, drained, groups, standbyOf, handed, { nowMs }] =
    await Promise.all([
      state.nodes(cluster),
      state.announcer(cluster, name),
      state.leases(cluster),
      state.drained(cluster),
      state.groupsOf(cluster, name),
      state.standbyOf(cluster, name),
      state.handed(cluster, name),
      scripts.clock(),
    ])
  const node = nodes.find(one => one.name === name) ?? null
  if (!node && !announcer) {
    const known = nodes.map(one => one.name).join(', ')
    throw unknown('node', name, `known nodes: ${known || 'none'}`)
  }
  const leaseEndMs = leases.get(name) ?? null
  const isDrained = drained.includes(name)
  const announces = await announcedOf(state, cluster, groups.sort())
  const lines: Told = [
    ['node', `${name}${node ? '' : ', which Kubernetes has not, or not any more'}`],
    ['announcer', leaseWords(leaseEndMs, nowMs)],
    ...(isDrained ? [['drained', `until "herald undrain ${name}"`] as const] : []),
    ...(node?.networkUnavailable ? [['network', 'not available, says Kubernetes'] as const] : []),
    ...(announcer?.interfaces ?? []).map(({ name: at, mac, prefixes }) => {
      return ['interface', `${at} (MAC ${mac}) in ${prefixes.join(', ') || 'no network'}`] as const
    }),
    ...(announcer
      ? [['hears', [...announcer.hears].sort().join(', ') || 'no other node'] as const]
      : []),
    ...(announcer?.alarms ?? []).map(
      ({ reason, node: other }) => ['alarm', `${reason} of ${other}`] as const,
    ),
    ...(announcer?.kernelAnswers ?? []).map(
      address => ['alarm', `the kernel answers for ${address} too`] as const,
    ),
    ...announces.map(text => ['announces', text] as const),
    ...(announces.length > 0 ? [] : [['announces', 'nothing'] as const]),
    ['standby for', standbyOf.sort().join(', ') || 'nothing'],
    ...(handed.length > 0 ? [['gets back', handed.sort().join(', ')] as const] : []),
  ]
  const value = { node, announcer, leaseEndMs, drained: isDrained, announces, standbyOf, handed }
  return { value, lines }
}

function leaseWords(endMs: number | null, nowMs: number): string {
  if (endMs === null) return 'has never been heard of'
  return endMs > nowMs ? 'runs' : `has not been heard of since its lease ended at ${timeOf(endMs)}`
}

export async function explainQueue(source: Source, name: string): Promise<Explained> {
  const { state, depths } = source
  const names = await queueNames(source)
  if (!names.includes(name)) throw unknown('queue', name, `known queues: ${names.join(', ')}`)
  const [failures, unanswered] = await Promise.all([
    depths.failures(name),
    state.overdue(name, 0, UNANSWERED_MOST),
  ])
  const lines: Told = [
    ...unanswered.map(key => ['unanswered', key] as const),
    ...failures.map(({ key, attempts, why, givenUp, rungMs }) => {
      const after = `${attempts} attempts since ${timeOf(rungMs)}`
      const head = givenUp ? 'given up' : 'tried again'
      return [head, `${key} after ${after}: ${why}`] as const
    }),
  ]
  const none: Told = [['waits for', 'nothing, and nothing has failed']]
  return { value: { unanswered, failures }, lines: lines.length > 0 ? lines : none }
}

/** Oldest first. */
const UNANSWERED_MOST = 10
