/**
 * What a user or Herald decided and no status shows: it is kept in a ConfigMap too, a section a key, so that an empty Redis
 * finds it again. Each section says when it was last changed; of two that differ the later one holds.
 */
import { locate, type Place } from '../allocate/windows.ts'

export interface Decisions {
  /** What is in force: the last good one where the present one is bad. */
  readonly configuration?: { readonly decidedUs: string; readonly text: string }
  readonly reservations?: { readonly decidedUs: string; readonly list: readonly Reservation[] }
  /** Nodes that are to announce nothing that another can. */
  readonly drained?: { readonly decidedUs: string; readonly nodes: readonly string[] }
}

export const SECTIONS = ['configuration', 'reservations', 'drained'] as const

export interface Reservation extends Place {
  /** Service id: "cluster/namespace/name". */
  readonly service: string
  /** ms since the epoch; -1: for ever. */
  readonly untilMs: number
  /** By hand: also what somebody holds meanwhile. Otherwise by the annotation of a Service that was deleted. */
  readonly byHand: boolean
}

export type Section = keyof Decisions

/** As `data` of the ConfigMap. Nothing decided: nothing written. */
export function written(decisions: Decisions): Record<string, string> {
  const { configuration, reservations, drained } = decisions
  const inForce = configuration && JSON.parse(configuration.text)
  return {
    ...(configuration &&
      inForce.source !== 'none' && { configuration: text(configuration.decidedUs, inForce) }),
    ...(reservations && {
      reservations: text(
        reservations.decidedUs,
        reservations.list.map(({ address, service, untilMs, byHand }) => {
          return { address, service, untilMs, byHand }
        }),
      ),
    }),
    ...(drained && { drained: text(drained.decidedUs, drained.nodes) }),
  }
}

/** What `written` wrote. A section that is no such thing is left out, and named in `unreadable`. */
export function readDecisions(data: Readonly<Record<string, string>>): {
  readonly decisions: Decisions
  readonly unreadable: readonly Section[]
} {
  const configuration = sectionOf(data.configuration)
  const reservations = sectionOf(data.reservations)
  const list = Array.isArray(reservations?.value)
    ? reservations.value.map(reservationOf)
    : undefined
  const isConfiguration = isObject(configuration?.value) && Array.isArray(configuration.value.pools)
  const isList = list?.every(one => one !== null)
  const drained = sectionOf(data.drained)
  const nodes = Array.isArray(drained?.value) ? drained.value.map(String) : null
  return {
    decisions: {
      ...(configuration &&
        isConfiguration && {
          configuration: {
            decidedUs: configuration.decidedUs,
            text: JSON.stringify(configuration.value),
          },
        }),
      ...(reservations &&
        list &&
        isList && {
          reservations: {
            decidedUs: reservations.decidedUs,
            list: list.filter(one => one !== null),
          },
        }),
      ...(drained && nodes && { drained: { decidedUs: drained.decidedUs, nodes } }),
    },
    unreadable: [
      ...(data.configuration !== undefined && !isConfiguration ? ['configuration' as const] : []),
      ...(data.reservations !== undefined && !isList ? ['reservations' as const] : []),
      ...(data.drained !== undefined && !nodes ? ['drained' as const] : []),
    ],
  }
}

const text = (decidedUs: string, value: unknown): string =>
  JSON.stringify({ v: 1, decidedUs, value })

function sectionOf(written: string | undefined): { decidedUs: string; value: unknown } | null {
  try {
    const section: unknown = JSON.parse(written ?? 'null')
    if (!isObject(section) || section.v !== 1 || !/^\d+$/.test(String(section.decidedUs)))
      return null
    return { decidedUs: String(section.decidedUs), value: section.value }
  } catch {
    return null
  }
}

function reservationOf(value: unknown): Reservation | null {
  if (!isObject(value) || typeof value.address !== 'string' || typeof value.service !== 'string') {
    return null
  }
  const place = locate(value.address)
  if (!place || typeof value.untilMs !== 'number') return null
  return {
    ...place,
    service: value.service,
    untilMs: value.untilMs,
    byHand: value.byHand === true,
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
