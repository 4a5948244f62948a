/** Short ways to say in tests what there is, what a Service asks for, and what is decided (functions/allocate). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AllocateCommand, allocate } from '../../functions/allocate/allocate.ts'
import { locate } from '../../functions/allocate/windows.ts'
import type { Allocation } from '../../functions/model/allocation.ts'
import type { Configuration, Pool } from '../../functions/model/configuration.ts'
import type { Quarantine } from '../../functions/model/quarantine.ts'
import type { Labels } from '../../functions/model/selector.ts'
import type { Service } from '../../functions/model/service.ts'
import { aPool } from './claims.ts'
import { aConfiguration, anAllocation, aService } from './services.ts'

export const blue = aPool('blue', ['192.168.50.211-192.168.50.220'])
export const red = aPool('red', ['10.0.0.0/24'])
export const manual = aPool('manual', ['10.1.0.0/24'], { autoAssign: false })
export const six = aPool('six', ['2001:db8::/64'])
export const dual = aPool('dual', ['10.9.0.0/24', '2001:db8:9::/64'])
export const pinnedTo = (name: string, more: Partial<Pool['serviceAllocation'] & object>) =>
  aPool(name, [`10.${name.length}.1.0/24`], {
    serviceAllocation: {
      priority: 0,
      namespaces: [],
      namespaceSelectors: [],
      serviceSelectors: [],
      ...more,
    },
  })

export const web = aService('web')
export const asks = (annotations: Labels, more: Partial<Service> = {}) =>
  aService('web', { annotations, ...more })
export const inBlue = anAllocation('web', ['192.168.50.211'], 'blue')
export const both = aConfiguration(blue, red)
export function decide(
  service: Service | null,
  configuration: Configuration | null,
  held: Allocation | null = null,
  namespaceLabels: Labels = {},
  nodeAddresses: readonly string[] = [],
  quarantines: readonly (Quarantine | null)[] = [],
): AllocateCommand {
  const pool = held?.pool ?? ''
  return allocate(service, {
    configuration,
    held,
    namespaceLabels,
    nodeAddresses,
    quarantines,
    id: `default/default/${service?.name}`,
    records: (held?.addresses ?? []).map(address => ({
      v: 2,
      page: locate(address)?.page ?? '',
      offset: locate(address)?.offset ?? 0,
      cluster: 'default',
      pool,
      sharingKey: '',
      backendKey: '',
      holders: {
        [`default/default/${service?.name}`]: {
          uid: held?.uid ?? '',
          ports: ['TCP/80'],
          sinceMs: 0,
          reserveMs: 0,
        },
      },
    })),
  })
}

/** "pool:IPv4+IPv6 pool:10.0.0.1", or what else was decided. */
export function told(command: AllocateCommand): string {
  if (command.do === 'nothing') return 'nothing'
  if (command.do === 'release') return command.forget ? 'forget' : 'release'
  if (command.do === 'refuse') return 'refuse'
  const parts = command.choices.map(
    ({ pool, parts }) =>
      `${pool.name}:${parts.map(part => ('exact' in part ? part.exact.address : part.family)).join('+')}`,
  )
  return `${parts.join(' ')}${command.keep ? ' keep' : ''}`
}

/** what, Service, configuration, what it holds, what is decided */
export type Row = readonly [string, Service | null, Configuration | null, Allocation | null, string]

export function decided(rows: readonly Row[]): void {
  for (const [what, service, configuration, held, expected] of rows) {
    test(what, () => assert.equal(told(decide(service, configuration, held)), expected))
  }
}
