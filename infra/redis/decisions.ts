/** What a user or Herald decided and no status shows: read as a whole, and reservations made and ended by hand. */
import type { Cluster, Redis } from 'ioredis'
import { locate, type Place } from '../../functions/allocate/windows.ts'
import { type Decisions, type Reservation, SECTIONS } from '../../functions/watch/decisions.ts'
import { bookScripts } from './book.ts'
import { keysOf } from './keys.ts'
import { list, script } from './script.ts'

export type ReserveAnswer =
  | { readonly outcome: 'unadopted' | 'unreserved' }
  /** By somebody else. */
  | { readonly outcome: 'held' | 'elsewhere'; readonly by: string }
  /** -1: for ever. */
  | { readonly outcome: 'reserved'; readonly untilMs: number }
  | { readonly outcome: 'released'; readonly service: string; readonly holder: string | null }

export type Deciding = ReturnType<typeof decidingOf>

export function decidingOf(redis: Redis | Cluster, prefix: string) {
  const keys = keysOf(prefix)
  const decisions = script(redis, 'decisions')
  const drain = script(redis, 'drain')
  return {
    /** Changes whenever something was decided. */
    decided: async (cluster: string) =>
      (await redis.hmget(keys.decided, ...SECTIONS.map(one => `${one}/${cluster}`))).join(' '),

    /** What no status shows, of one moment; null while the cluster is not adopted. */
    async decisions(cluster: string): Promise<Decisions | null> {
      const [outcome, text, configuredUs, flat, reservedUs, nodes, drainedUs] = (await decisions(
        [
          keys.adopted,
          keys.configuration(cluster),
          keys.reservations,
          keys.decided,
          keys.drained(cluster),
        ],
        [cluster],
      )) as [string, string, string, string[], string, string[], string]
      if (outcome !== 'decided') return null
      return {
        ...(text && { configuration: { decidedUs: configuredUs, text } }),
        ...(reservedUs && { reservations: { decidedUs: reservedUs, list: reservationsOf(flat) } }),
        ...(drainedUs && { drained: { decidedUs: drainedUs, nodes: [...nodes].sort() } }),
      }
    },

    /** Marks a node as drained, or ends that; true when that changed something. `place` for all is to be rung then. */
    async drain(cluster: string, node: string, drained: boolean): Promise<boolean> {
      const touched = [keys.drained(cluster), keys.decided, keys.dirty('place')]
      return (await drain(touched, [cluster, node, drained ? '1' : ''])) === 1
    },

    /** Reserves an address for a Service id, or ends what was reserved (`service` null). */
    async reserve(
      request: { readonly cluster: string; readonly clusters: readonly string[] } & Place &
        (
          | { readonly service: string; readonly forMs: number }
          | { readonly service?: never; readonly forMs?: never }
        ),
    ): Promise<ReserveAnswer> {
      const { cluster, clusters, address, page, offset, service = '', forMs = 0 } = request
      const { reserve } = bookScripts(redis, keys, cluster)
      const [outcome, first = '', second = ''] = list(
        await reserve([keys.addresses], [clusters.join(), address, page, offset, service, forMs]),
      )
      if (outcome === 'held' || outcome === 'elsewhere') return { outcome, by: first }
      if (outcome === 'reserved') return { outcome, untilMs: Number(first) }
      if (outcome === 'released') return { outcome, service: first, holder: second || null }
      return { outcome: outcome === 'unreserved' ? outcome : 'unadopted' }
    },
  }
}

/** Sorted by address, so that the same ones are always written alike. */
function reservationsOf(flat: readonly string[]): Reservation[] {
  return flat
    .flatMap((address, index) => {
      const place = index % 2 === 0 ? locate(address) : null
      if (!place) return []
      const [service = '', untilMs, how] = (flat[index + 1] ?? '').split(' ')
      return [{ ...place, service, untilMs: Number(untilMs), byHand: how === 'hand' }]
    })
    .sort((a, b) => (a.address < b.address ? -1 : 1))
}
