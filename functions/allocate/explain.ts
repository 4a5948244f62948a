/** The words in which a Service is told why it got nothing: what was tried, pool by pool, and what to do. */
import type { Refusal } from '../model/allocation.ts'
import { NAMESPACE_QUOTA_ANNOTATION } from '../model/pool-annotations.ts'
import { quarantineOf } from '../model/quarantine.ts'
import { nameIn } from '../model/service.ts'
import type { Choice } from './choices.ts'

/** A choice that could not be had, and why, as claim.lua says it. */
export interface Tried {
  readonly choice: Choice
  readonly reason: string
}

/** `cluster`: of the Service that is told. */
export function refusalOf(cluster: string, tried: readonly Tried[]): Refusal {
  const findings = [...new Set(tried.map(one => findingOf(cluster, one)))]
  const remedy = tried.some(({ reason }) => reason.startsWith('quota ')) ? QUOTA_REMEDY : null
  const byName = tried.every(({ choice }) => choice.parts.every(part => 'exact' in part))
  const shown = findings.slice(0, FINDINGS_MOST)
  const more = findings.length - shown.length
  const list = `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`
  return {
    reason: 'AllocationFailed',
    message: byName
      ? `${list}. ${remedy ?? (tried.some(({ reason }) => reason.startsWith('port ')) ? PORT_REMEDY : TAKEN_REMEDY)}`
      : `no free IP: ${list}. ${remedy ?? FULL_REMEDY}`,
  }
}

const FULL_REMEDY =
  'Enlarge a pool, add one, or delete a Service that needs no address; this Service is served as soon as there is room.'

const TAKEN_REMEDY =
  'Ask for another address, delete that Service, or let both share it (annotation metallb.io/allow-shared-ip ' +
  'with the same value, different ports); it is given over as soon as it is free.'

const PORT_REMEDY =
  'Use another port, or another address; it is given over as soon as the port is free.'

const QUOTA_REMEDY =
  'Raise that quota, ask for another pool, or delete a Service of this namespace that needs no address; ' +
  'this Service is served as soon as it may be.'

/** An event holds 1,024 bytes. */
const FINDINGS_MOST = 8

function findingOf(cluster: string, { choice, reason }: Tried): string {
  const [kind, first = '', second = '', third = ''] = reason.split(' ')
  switch (kind) {
    case 'taken':
      return `${second} is held by ${nameIn(cluster, first)}`
    case 'reserved':
      return `${second} is ${reservedFor(cluster, first)} ("herald release ${second}" ends that)`
    case 'port':
      return `${third}: port ${first} is in use there by ${nameIn(cluster, second)}`
    case 'quota':
      return `"${choice.pool.name}" gives a namespace no more than ${second}, and this one holds ${first} (annotation ${NAMESPACE_QUOTA_ANNOTATION})`
    default:
      return choice.parts.length > 1
        ? `"${choice.pool.name}" has no free ${familyAt(choice, Number(first) - 1)} address`
        : `"${choice.pool.name}" is full`
  }
}

function familyAt(choice: Choice, index: number): string {
  const part = choice.parts[index]
  return part && 'family' in part ? part.family : 'IP'
}

/** For whom an address is kept: a Service, named as in this cluster, or nobody. */
export function reservedFor(cluster: string, id: string): string {
  const quarantine = quarantineOf(id)
  return quarantine
    ? `quarantined, as another host on the LAN has it, with the MAC ${quarantine.mac}`
    : `reserved for ${nameIn(cluster, id)}`
}
