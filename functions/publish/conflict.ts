/** The event that says that another host on the LAN claims an address that is announced, or was asked for by name. */
import { CONFLICT } from '../allocate/conflict.ts'
import type { Claimed } from '../model/finding.ts'
import { digest } from './digest.ts'
import type { EventText } from './publish.ts'

/** Said once for each time that it begins. */
export function claimedToo(
  { name, uid }: { readonly name: string; readonly uid: string },
  address: string,
  { mac, node, interface: at, sinceMs }: Claimed,
): EventText {
  return {
    name: `${name}.${digest(uid, address, mac, node, at, String(sinceMs))}`,
    type: 'Warning',
    reason: CONFLICT,
    action: 'Announce',
    note:
      `Another host on the LAN, with the MAC ${mac}, claims ${address} too: ${node} heard it on ${at}. The Service keeps the ` +
      'address, and who asks reaches one or the other. Take it from that host, or give the Service another address.',
  }
}
