/** What an announcer hears wrong of another, said on that node (design.md "Beats"): it shows nowhere else in Kubernetes. */
import type { AlarmReason } from '../liveness/messages.ts'
import type { Alarm } from '../model/node.ts'
import { digest } from './digest.ts'
import type { EventText } from './publish.ts'

/** For logs and events: what is wrong, what follows from it, and what to do. */
export const ALARMS = {
  unknownBeat:
    'beats that say to come from this node fail authentication, or are of another version: nothing is taken over from it. Give all announcers the same HERALD_BEAT_KEYS',
  beatsBlocked:
    'this node renews its lease in Redis, but its beats do not get through on the LAN: look at VLANs, firewalls and filters of multicast between the nodes',
} as const satisfies Record<AlarmReason, string>

const REASONS = { unknownBeat: 'UnknownBeat', beatsBlocked: 'BeatsBlocked' } as const

/** Once for each two nodes, and anew when the one that hears it was restarted. */
export function alarmEvent(hearer: { node: string; session: string }, alarm: Alarm): EventText {
  const { reason, node } = alarm
  return {
    name: `${node}.${digest(hearer.node, hearer.session, reason, node)}`,
    type: 'Warning',
    reason: REASONS[reason],
    action: 'Announce',
    note: `${hearer.node} says: ${ALARMS[reason]}.`,
  }
}
