/** What an announcer hears wrong of another, said on that node (design.md "Beats"): it shows nowhere else in Kubernetes. */
import type { AlarmReason } from '../liveness/messages.ts'
import type { Alarm, Announcer } from '../model/node.ts'
import { digest } from './digest.ts'
import type { EventText } from './publish.ts'

/** For logs and events: what is wrong, what follows from it, and what to do. */
export const ALARMS = {
  unknownBeat:
    'beats that say to come from this node fail authentication, or are of another version: nothing is taken over from it. Give all announcers the same HERALD_BEAT_KEYS',
  beatsBlocked:
    'this node renews its lease in Redis, but its beats do not get through on the LAN: look at VLANs, firewalls and filters of multicast between the nodes',
} as const satisfies Record<AlarmReason, string>

/** Said of the node itself: clients hear two nodes, and whose answer they take is chance. */
export const KERNEL_ANSWERS =
  'the kernel of this node answers for addresses of Services by itself, beside the node that announces them: give kube-proxy in IPVS mode strictARP (net.ipv4.conf.all.arp_ignore=1), or take the addresses off the interfaces of this node'

const REASONS = { unknownBeat: 'UnknownBeat', beatsBlocked: 'BeatsBlocked' } as const

/** Node -> what there is to say of it, by the word of this announcer. */
export function alarmEvents(announcer: Announcer): { node: string; event: EventText }[] {
  const { node, alarms = [], kernelAnswers = [] } = announcer
  const heard = alarms.map(alarm => ({ node: alarm.node, event: alarmEvent(announcer, alarm) }))
  return kernelAnswers.length === 0 ? heard : [...heard, { node, event: kernelEvent(announcer) }]
}

/** Once, and anew when the announcer was restarted. */
function kernelEvent({ node, session, kernelAnswers = [] }: Announcer): EventText {
  return {
    name: `${node}.${digest(session, 'kernelAnswers')}`,
    type: 'Warning',
    reason: 'KernelAnswers',
    action: 'Announce',
    note: `${node} says: ${KERNEL_ANSWERS}. Some of them: ${kernelAnswers.join(', ')}.`,
  }
}

/** Once for each two nodes, and anew when the one that hears it was restarted. */
function alarmEvent(hearer: { node: string; session: string }, alarm: Alarm): EventText {
  const { reason, node } = alarm
  return {
    name: `${node}.${digest(hearer.node, hearer.session, reason, node)}`,
    type: 'Warning',
    reason: REASONS[reason],
    action: 'Announce',
    note: `${hearer.node} says: ${ALARMS[reason]}.`,
  }
}
