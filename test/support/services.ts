/** Services and what goes with them, with every field that a test does not care about filled in. */
import type { Allocation } from '../../functions/model/allocation.ts'
import type { Configuration, Pool } from '../../functions/model/configuration.ts'
import type { Service } from '../../functions/model/service.ts'

export const aService = (name: string, more: Partial<Service> = {}): Service => ({
  namespace: 'default',
  name,
  uid: `uid-${name}`,
  resourceVersion: '1',
  createdMs: 0,
  type: 'LoadBalancer',
  loadBalancerClass: null,
  clusterIPs: ['10.96.0.10'],
  ipFamilies: ['IPv4'],
  ipFamilyPolicy: 'SingleStack',
  loadBalancerIP: null,
  externalTrafficPolicy: 'Cluster',
  selector: { app: name },
  ports: [{ protocol: 'TCP', port: 80 }],
  labels: {},
  annotations: {},
  addresses: [],
  conditions: [],
  ...more,
})

/** A Service with cluster IPs of both families. */
export const aDualService = (
  name: string,
  ipFamilyPolicy: Service['ipFamilyPolicy'],
  more: Partial<Service> = {},
): Service =>
  aService(name, {
    clusterIPs: ['10.96.0.10', 'fd00:96::10'],
    ipFamilies: ['IPv4', 'IPv6'],
    ipFamilyPolicy,
    ...more,
  })

export const anAllocation = (
  service: string,
  addresses: readonly string[],
  pool: string | null,
  more: Partial<Allocation> = {},
): Allocation => ({
  v: 2,
  uid: `uid-${service}`,
  addresses,
  pool,
  sinceMs: 1000,
  refusal: null,
  incarnation: 'i',
  ...more,
})

export const aConfiguration = (...pools: readonly Pool[]): Configuration => ({
  source: 'objects',
  pools,
  advertisements: [
    {
      name: 'all',
      pools: [],
      poolSelectors: [],
      nodeSelectors: [],
      interfaces: [],
      serviceSelectors: [],
      preferredNodes: [],
    },
  ],
})

/** A Service that asks for that address. */
export const asking = (name: string, address: string, version = '2') =>
  aService(name, { resourceVersion: version, loadBalancerIP: address })

/** One that shares, under one key, on that port. */
export const sharer = (name: string, port: number, more: Partial<Service> = {}) =>
  aService(name, {
    annotations: { 'metallb.io/allow-shared-ip': 'k' },
    ports: [{ protocol: 'TCP', port }],
    ...more,
  })
