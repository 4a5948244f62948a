/** When two Services may share an address (metallb-behaviour 4.7); claim.lua compares what is said here. */
import type { AddressRecord, Allocation } from '../model/allocation.ts'
import { portKey } from '../model/allocation.ts'
import { annotation, type Service } from '../model/service.ts'

/** What sharers must agree on (key; for Local the selector), and must not (ports). */
export interface SharingTerms {
  /** On one line; '' = not shared. */
  readonly sharing: string
  readonly backend: string
  /** Sorted. */
  readonly ports: readonly string[]
}

export function sharingOf(service: Service): SharingTerms {
  const selector = Object.entries(service.selector)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
  return {
    sharing: (annotation(service, 'allow-shared-ip') ?? '').replaceAll('\n', '%0A'),
    backend: service.externalTrafficPolicy === 'Local' ? selector.join(',') : '',
    ports: [...new Set(service.ports.map(portKey))].sort(),
  }
}

/** True when the records of what is held say of this Service what it is now. */
export function isRecorded(
  service: Service,
  pool: string,
  state: {
    readonly held: Allocation | null
    readonly records: readonly (AddressRecord | null)[]
    readonly id: string
  },
  reserveMs: number,
): boolean {
  const { held, records, id } = state
  const { sharing, backend, ports } = sharingOf(service)
  return (
    held?.pool === pool &&
    held.uid === service.uid &&
    records.length === held.addresses.length &&
    records.every(record => {
      const holder = record?.holders[id]
      return (
        record?.sharingKey === sharing &&
        record.backendKey === backend &&
        record.pool === pool &&
        holder?.reserveMs === reserveMs &&
        holder?.ports.join() === ports.join()
      )
    })
  )
}
