/** The words in which a Service is told why it got nothing: what was tried, pool by pool, and what to do. */
import type { Refusal } from '../model/allocation.ts'
import type { Choice } from './allocate.ts'

/** `reasons` as claim.lua gives them, one for each option tried: "full", "taken <holder>", "port <port> <holder>". */
export function refusalOf(
  choices: readonly Choice[],
  tried: readonly { readonly pool: string; readonly reason: string }[],
): Refusal {
  const exact = choices.find(choice => choice.parts.every(part => 'exact' in part))
  const conflict = tried.find(({ reason }) => reason !== 'full')
  if (exact && conflict && choices.length === 1) {
    const addresses = exact.parts
      .map(part => ('exact' in part ? part.exact.address : ''))
      .join(', ')
    return { reason: 'AllocationFailed', message: conflictMessage(addresses, conflict.reason) }
  }
  const pools = [...new Set(tried.map(({ pool }) => pool))]
  const list = pools.map(pool => `"${pool}" is full`).join('; ')
  return {
    reason: 'AllocationFailed',
    message:
      `no free IP: ${list}. Enlarge a pool, add one, or delete a Service that needs no address; ` +
      'this Service is served as soon as there is room.',
  }
}

function conflictMessage(addresses: string, reason: string): string {
  const [kind, first = '', second = ''] = reason.split(' ')
  const who = (id: string) => id.split('/').slice(1).join('/')
  return kind === 'port'
    ? `${addresses}: port ${first} is in use there by ${who(second)}. Use another port, or another address.`
    : `${addresses} is held by ${who(first)}. Ask for another address, delete that Service, or let both share it ` +
        '(annotation metallb.io/allow-shared-ip with the same value, different ports); it is given over as soon as it is free.'
}
