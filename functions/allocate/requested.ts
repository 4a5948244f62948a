/** Addresses that a Service asks for by name (metallb-behaviour 4.3). */
import { canonical, compareAddresses, familyOf, quote } from '../model/address.ts'
import type { Refusal } from '../model/allocation.ts'
import { annotation, type Service } from '../model/service.ts'
import type { FamilyWish } from './families.ts'

/** Null when it asks for none; canonical texts, IPv4 first. The reason of a refusal differs for who holds an address. */
export function requestedAddresses(
  service: Service,
  wish: FamilyWish,
  holds: boolean,
): { readonly addresses: readonly string[] } | { readonly refusal: Refusal } | null {
  const byAnnotation = annotation(service, 'loadBalancerIPs') ?? ''
  const bySpec = service.loadBalancerIP ?? ''
  if (!byAnnotation && !bySpec) return null
  const refused = (message: string) => refusal(message, holds)
  if (byAnnotation && bySpec) {
    return refused(
      `both spec.loadBalancerIP (${quote(bySpec)}) and the annotation metallb.io/loadBalancerIPs (${quote(byAnnotation)}) are set. Remove one.`,
    )
  }
  const source = bySpec ? 'spec.loadBalancerIP' : 'the annotation metallb.io/loadBalancerIPs'
  const texts = bySpec ? [bySpec] : byAnnotation.split(',').map(one => one.trim())
  const addresses: string[] = []
  for (const text of texts) {
    const address = canonical(text)
    if (!address) {
      return refused(
        `${quote(text)} in ${source} is not an IP address. Write an address such as 192.168.50.211, or two of different families separated by a comma.`,
      )
    }
    addresses.push(address)
  }
  if (
    addresses.length > 2 ||
    (addresses.length === 2 && familyOf(addresses[0] ?? '') === familyOf(addresses[1] ?? ''))
  ) {
    return refused(
      `${source} names ${addresses.slice(0, 3).join(', ')}: at most two, one of each family. Remove the others.`,
    )
  }
  const right =
    addresses.length === wish.exact.length &&
    wish.exact.every(family => addresses.some(address => familyOf(address) === family))
  if (!right) {
    return refusal(
      `${source} names ${addresses.join(', ')}, but the Service needs ${wish.text}, as its cluster IPs say. ` +
        `Ask for one address of ${wish.exact.length > 1 ? 'each family' : 'that family'}, or change the Service's ipFamilyPolicy.`,
      false, // it can be read, so MetalLB has it fail like any other request
    )
  }
  return { addresses: addresses.sort(compareAddresses) }
}

const refusal = (message: string, holds: boolean): { refusal: Refusal } => ({
  refusal: { reason: holds ? 'LoadBalancerFailed' : 'AllocationFailed', message },
})
