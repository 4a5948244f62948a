/**
 * ServiceL2Status (metallb-behaviour 1.8, 5.6): an object for each Service that some node announces, in the namespace of the
 * configuration. Its node cannot change, so another node means another object.
 */
import { homedOf, homeOf } from '../announce/interfaces.ts'
import { parseAddress } from '../model/address.ts'
import type { Announcer } from '../model/node.ts'
import type { PlacedNode } from '../model/placement.ts'
import { digest } from './digest.ts'
import type { EventText } from './publish.ts'

export interface L2Status {
  readonly name: string
  readonly resourceVersion: string
  /** namespace/name of the Service. */
  readonly service: string
  readonly node: string
  /** Empty: all that qualify. */
  readonly interfaces: readonly string[]
}

export type L2Text = Omit<L2Status, 'resourceVersion'>

/** The owner with the interfaces that these addresses live on there, as far as its announcer has said which it has. */
export function atHome(
  owner: PlacedNode,
  addresses: readonly string[],
  announcer: Announcer | null,
): PlacedNode {
  const present = (announcer?.interfaces ?? []).map(homedOf)
  const names = new Set<string>()
  for (const address of addresses.map(parseAddress)) {
    const homes = address ? homeOf(address, owner.interfaces, present) : owner.interfaces
    if (homes === null) return owner // one of them lives on all
    for (const name of homes) names.add(name)
  }
  return { ...owner, interfaces: [...names].sort() }
}

/** What is to be written so that a Service shows who announces it (null: nobody), given what it shows. */
export function l2Changes(
  service: string,
  owner: PlacedNode | null,
  shown: readonly L2Status[],
): { readonly write: L2Text | null; readonly remove: readonly string[] } {
  const kept = shown.find(one => one.node === owner?.node)
  const remove = shown.filter(one => one !== kept).map(one => one.name)
  if (!owner) return { write: null, remove }
  const interfaces = owner.interfaces ?? []
  const same = kept && kept.interfaces.join() === interfaces.join()
  const name = kept?.name ?? nameOf(service, owner.node)
  return { write: same ? null : { name, service, node: owner.node, interfaces }, remove }
}

/** The same from whoever writes it, so that two watchers make one object. */
const nameOf = (service: string, node: string): string => `l2-${digest(service, node)}`

/** MetalLB's words; what reads events looks for the quotes. `since` tells one time from the next. */
export function assignedTo(
  service: { readonly name: string; readonly uid: string },
  node: string,
  since: string,
): EventText {
  return {
    name: `${service.name}.${digest(service.uid, node, since)}`,
    type: 'Normal',
    reason: 'nodeAssigned',
    action: 'Announce',
    note: `announcing from node "${node}" with protocol "layer2"`,
  }
}

/** Once for each reason: whoever cannot be announced is not told so again at every change elsewhere. */
export function unannounced(
  service: { readonly name: string; readonly uid: string },
  addresses: readonly string[],
  why: string,
): EventText {
  return {
    name: `${service.name}.${digest(service.uid, ...addresses, why)}`,
    type: 'Warning',
    reason: 'announceFailed',
    action: 'Announce',
    note: `Nobody announces ${addresses.join(', ')}: ${why}.`,
  }
}
