/** What MetalLB's users write and do, in a few words; the rows beside this file consist of it. */

export type Fields = Readonly<Record<string, unknown>>

/** What happens: a Service is applied (again), one is deleted, or the pools or the labels of a namespace change. */
export type Step =
  | {
      readonly apply: string
      readonly spec?: Fields
      readonly annotations?: Fields
      readonly labels?: Fields
    }
  | { readonly remove: string }
  | { readonly pools: Readonly<Record<string, Fields>> }
  | { readonly namespace: Fields }

const METALLB = 'metallb.io/'
const annotated = (annotations: Fields) =>
  Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [
      key.includes('/') ? key : METALLB + key,
      value,
    ]),
  )
export const apply = (
  name: string,
  annotations: Fields = {},
  spec: Fields = {},
  labels: Fields = {},
): Step => ({
  apply: name,
  annotations: annotated(annotations),
  spec,
  labels,
})
export const six = { clusterIPs: ['fd00::10'], ipFamilies: ['IPv6'] }
export const dual = (policy: string, first = 'IPv4') => ({
  clusterIPs: first === 'IPv4' ? ['10.96.0.10', 'fd00::10'] : ['fd00::10', '10.96.0.10'],
  ipFamilies: first === 'IPv4' ? ['IPv4', 'IPv6'] : ['IPv6', 'IPv4'],
  ipFamilyPolicy: policy,
})
export const port = (number: number, protocol = 'TCP') => ({ ports: [{ port: number, protocol }] })
export const pool = (addresses: string, more: Fields = {}) => ({
  addresses: addresses.split(' , '),
  ...more,
})
export const pinned = (serviceAllocation: Fields) => ({ serviceAllocation })

/** A case, the pools, what happens, and "service addresses" of every Service in the end ("-": none). */
export type Row = readonly [string, Readonly<Record<string, Fields>>, readonly Step[], string]
