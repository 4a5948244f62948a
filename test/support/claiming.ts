/**
 * Allocators and a watcher in short: Services come, get an address, which their status then shows, and go, without pause;
 * whenever Redis has lost its memory, what the statuses show is adopted again.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import type { Cluster, Redis } from 'ioredis'
import { locate } from '../../functions/allocate/windows.ts'
import {
  type AdoptItem,
  type ClaimAnswer,
  type Scripts,
  scriptsOf,
} from '../../infra/redis/scripts.ts'
import { stateOf } from '../../infra/redis/state.ts'
import { aClaim, aPool, forget } from './claims.ts'

const POOL = aPool('load', ['10.0.0.0-10.0.0.255'])
const ELSEWHERE = aPool('load', ['10.0.1.0-10.0.1.255'])
const LANES = 8
/** Of one lane; all together are fewer than the addresses. */
const SERVICES = 20

export interface Claiming {
  claimed(): number
  /** How often all of the statuses were adopted. */
  adoptions(): number
  /** Service -> address: what Kubernetes would show. */
  readonly status: ReadonlyMap<string, string>
  /** From now on every claim is made from other addresses than before. */
  move(): void
  /** True once no Service holds an address from before the move. */
  moved(): boolean
  /** From now on half of the Services only keep what they have. */
  halve(): void
  stop(): Promise<void>
}

export function claimingUnderLoad(redis: Redis | Cluster): Claiming {
  const scripts = scriptsOf(redis, '{herald}')
  const state = stateOf(redis, '{herald}')
  const status = new Map<string, string>()
  let [stopping, halved, claimed, adoptions] = [false, false, 0, 0]
  let pool = POOL

  /** Repeats a claim until it is decided, as a queue would. */
  const decide = async (
    service: string,
    ask: (service: string, expected: readonly string[]) => Promise<ClaimAnswer>,
  ) => {
    while (!stopping) {
      const held = await state.allocation('default', service)
      const given = await ask(service, held?.addresses ?? [])
      if ('addresses' in given) return given.addresses
      await after(20)
    }
    return null
  }
  const claim = (service: string, expected: readonly string[]) =>
    scripts.claim(aClaim(service, pool, { expected }))
  const release = (service: string, expected: readonly string[]) =>
    forget(scripts, aClaim(service, pool), expected)
  const lane = async (number: number) => {
    const resting = () => halved && number % 2 === 0
    for (let turn = 0; !stopping && !resting(); turn++) {
      const service = `load/${number}-${turn % SERVICES}`
      if (status.delete(service)) await decide(service, release)
      const [address] = (await decide(service, claim)) ?? []
      if (!address) continue
      status.set(service, address)
      claimed++
    }
  }
  const watcher = async () => {
    while (!stopping) {
      if (await adoptAll(scripts, status).catch(() => false)) adoptions++
      await after(50)
    }
  }
  const all = [watcher(), ...Array.from({ length: LANES }, (_, number) => lane(number))]
  return {
    claimed: () => claimed,
    adoptions: () => adoptions,
    status,
    move() {
      pool = ELSEWHERE
    },
    moved: () => [...status.values()].every(address => address.startsWith('10.0.1.')),
    halve() {
      halved = true
    },
    async stop() {
      stopping = true
      await Promise.all(all)
    },
  }
}

/** True when this life of Redis had not known the statuses, and does now. */
async function adoptAll(scripts: Scripts, status: ReadonlyMap<string, string>): Promise<boolean> {
  const adoption = scripts.adoption('default', randomUUID())
  if ((await adoption.begin()) !== 'begun') return false
  const items = [...status].flatMap(([service, address]): AdoptItem[] => {
    const place = locate(address)
    const rest = { pool: 'load', sharing: '', backend: '', ports: ['TCP/80'], sinceMs: 1 }
    return place ? [{ service, uid: `uid-${service}`, addresses: [place], ...rest }] : []
  })
  return (await adoption.adopt(items)) !== null && (await adoption.end())
}
