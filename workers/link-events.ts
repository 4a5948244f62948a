import type { Claim } from '../functions/liveness/messages.ts'
import type { Finding } from '../functions/model/finding.ts'
import { ALARMS } from '../functions/publish/alarm.ts'
import type { LinkMember } from '../infra/link/link.ts'
import type { World } from '../infra/process.ts'
import type { Remembered } from '../infra/remembered.ts'
import type { Alarms } from './alarms.ts'
import type { Repeated } from './repeat.ts'

/** What is taken over together is written down together, once all of it is announced. */
const GATHER_MS = 200
/** In one line of the log. */
const NAMED_MOST = 5

/** What an announcer knows by the word of its link. */
export interface Told {
  readonly remembered: Remembered
  /** By group: taken over, and not yet known to be written down in Redis. */
  readonly owed: Map<string, Claim>
  /** By address, the newest of each: not yet known to be written down. */
  readonly found: Map<string, Finding>
  readonly alarms: Alarms
  /** Nodes that are heard on the LAN. */
  hears: readonly string[]
  epoch: number
}

/** What the link says; of use once the rest stands, but said from the first moment on. */
export function eventsOf(
  { remembered, owed, found, alarms }: Pick<Told, 'remembered' | 'owed' | 'found' | 'alarms'>,
  { log, metrics }: Pick<World, 'log' | 'metrics'>,
): Pick<LinkMember, 'onCommand' | 'onHears' | 'onFound' | 'onWithheld'> & {
  begin(told: Told, renewing: Repeated): void
} {
  let heard: { nodes: readonly string[]; epoch: number } = { nodes: [], epoch: 0 }
  let tell = () => {}
  let soon = () => {}
  metrics.count('herald_failovers_total', {}, 0)
  for (const reason of Object.keys(ALARMS))
    metrics.count('herald_liveness_alarms_total', { reason }, 0)
  const takenOver = gathering(log)
  return {
    begin(told, renewing) {
      tell = () => {
        told.hears = heard.nodes
        told.epoch = heard.epoch
      }
      soon = () => renewing.soon(GATHER_MS)
      tell()
    },
    onHears(nodes, epoch) {
      heard = { nodes, epoch }
      tell()
    },
    onFound(finding) {
      found.set(finding.address, finding)
      soon()
    },
    onWithheld: (begun, ended) => remembered.withhold(begun, ended),
    onCommand(command) {
      if (command.do === 'remember') {
        remembered.change(command.claims, command.dropped)
      } else if (command.do === 'record') {
        const { group } = command.claim
        if (command.outageMs !== null) {
          metrics.count('herald_failovers_total', {})
          metrics.observe('herald_failover_outage_seconds', {}, command.outageMs / 1000)
          takenOver(group, command.outageMs)
        }
        owed.set(group, command.claim)
        soon()
      } else {
        const { reason, node } = command
        metrics.count('herald_liveness_alarms_total', { reason })
        log.warn({ node }, ALARMS[reason])
        alarms.raise({ reason, node })
      }
    },
  }
}

/** Says in one line what is taken over together: nobody reads a thousand. */
function gathering(log: World['log']): (group: string, outageMs: number) => void {
  let groups: string[] = []
  let longestMs = 0
  const say = () => {
    const [count, first] = [groups.length, groups.slice(0, NAMED_MOST)]
    const fields = { count, groups: first, outageMs: Math.round(longestMs) }
    if (longestMs > 0) log.warn(fields, 'took over on the LAN from a node that fell silent there')
    else log.info(fields, 'took over on the LAN from a node that hands over')
    groups = []
    longestMs = 0
  }
  return (group, outageMs) => {
    if (groups.push(group) === 1) setTimeout(say, GATHER_MS).unref()
    longestMs = Math.max(longestMs, outageMs)
  }
}
