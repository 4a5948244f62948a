/** What `requester.ts` is to ask, and how it knows the answer. */
import { encodeArpFrame, REPLY, REQUEST } from '../../functions/wire/arp.ts'
import { ETHERTYPE_ARP, ETHERTYPE_IPV6 } from '../../functions/wire/ethernet.ts'
import { NEIGHBOR_ADVERTISEMENT } from '../../functions/wire/icmpv6.ts'
import { solicitedNodeGroup } from '../../functions/wire/ipv6.ts'
import { encodeNeighborSolicitation } from '../../functions/wire/ndp.ts'
import { encodeNeighborFrame } from '../../functions/wire/neighbor-frame.ts'
import type { Round } from './requester.ts'

export type Question = Pick<Round, 'etherType' | 'question' | 'answer'>

/** By unicast, as a neighbour cache checks what it knows: the others on the switch see nothing. */
export function askByARP(asked: {
  readonly mac: number
  readonly sender: number
  readonly target: number
  readonly targetMAC: number
}): Question {
  const { mac, sender, target, targetMAC } = asked
  const question = encodeArpFrame({
    ethernet: { destination: targetMAC, source: mac, etherType: ETHERTYPE_ARP },
    arp: {
      operation: REQUEST,
      senderHardwareAddress: mac,
      senderProtocolAddress: sender,
      targetHardwareAddress: 0,
      targetProtocolAddress: target,
    },
  })
  // ar$op at 20, ar$spa at 28 (RFC 826).
  const answer = { 20: hex(BigInt(REPLY), 2), 28: hex(BigInt(target), 4) }
  return { etherType: ETHERTYPE_ARP, question: Buffer.from(question).toString('hex'), answer }
}

/** To the solicited-node group: what is sent to an address that its kernel does not have, no ICMPv6 socket hears. */
export function askByNDP(asked: {
  readonly mac: number
  readonly sender: bigint
  readonly target: bigint
}): Question {
  const { mac, sender, target } = asked
  const question = encodeNeighborFrame({
    mac,
    source: sender,
    destination: solicitedNodeGroup(target),
    message: encodeNeighborSolicitation({ targetAddress: target, sourceLinkLayerAddress: mac }),
  })
  // After Ethernet (14) and IPv6 (40): the type, and 8 octets later the target (RFC 4861 section 4.4).
  const answer = { 54: hex(BigInt(NEIGHBOR_ADVERTISEMENT), 1), 62: hex(target, 16) }
  return { etherType: ETHERTYPE_IPV6, question: Buffer.from(question).toString('hex'), answer }
}

const hex = (value: bigint, octets: number) => value.toString(16).padStart(2 * octets, '0')
