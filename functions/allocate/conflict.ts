/** The words in which it is said that another host on the LAN has an address. */
import type { Refusal } from '../model/allocation.ts'
import type { Quarantine } from '../model/quarantine.ts'

/** Reason of the events, and of what is said in the condition. */
export const CONFLICT = 'AddressConflict'

/** Why an address that was claimed is given up before it was announced. */
export function inUse(address: string, { mac }: Quarantine): Refusal {
  const message = `${address} is in use by another host on the LAN, with the MAC ${mac}, and was not announced`
  return { reason: CONFLICT, message }
}
