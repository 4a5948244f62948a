/**
 * One process of the claim storm: random claims, requests, sharing, releases and repeats on a few Services and
 * fewer addresses, until it is killed. Started by storm.test.ts: `storm.ts <socket> <seed>`.
 */
import { Redis } from 'ioredis'
import { locate, windowsOf } from '../../../functions/allocate/windows.ts'
import { type Option, scriptsOf } from '../../../infra/redis/scripts.ts'
import { stateOf } from '../../../infra/redis/state.ts'
import { aPool, claimOrConclude } from '../../support/claims.ts'

export const POOL = aPool('storm', ['10.0.0.200-10.0.1.60', '2001:db8::/122'])
export const SERVICES = 400
/** Said once everything is loaded and the first claims are made. */
export const AT_WORK = 'at work\n'

const [, , path = '', seed = '1'] = process.argv
if (path) await storm(path, Number(seed))

async function storm(socket: string, from: number): Promise<void> {
  const redis = new Redis({ path: socket, maxRetriesPerRequest: null })
  const scripts = scriptsOf(redis, '{herald}')
  const state = stateOf(redis, '{herald}')
  let random = from
  const below = (n: number) => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0
    return Math.floor((random / 2 ** 32) * n)
  }
  const windows = (family: 'IPv4' | 'IPv6') => ({
    windows: [...windowsOf(POOL, family)],
    buggy: false,
  })
  const options = (): Option[] => {
    switch (below(5)) {
      case 0: {
        const exact = locate(`10.0.${below(2)}.${below(256)}`)
        return exact ? [{ pool: 'storm', parts: [{ exact }] }] : []
      }
      case 1:
        return [{ pool: 'storm', parts: [windows('IPv4'), windows('IPv6')] }]
      case 2:
        return [] // kept or released
      default:
        return [{ pool: 'storm', parts: [windows('IPv4')] }]
    }
  }
  // Half of the time a Service that others claim for too, else one that is this lane's alone.
  const act = async (_: unknown, lane: number) => {
    const own = below(2) === 0
    const service = own ? `ns/own-${from}-${lane}` : `ns/s${below(SERVICES)}`
    const held = await state.allocation('default', service)
    const request = {
      cluster: 'default',
      service,
      uid: service,
      version: '',
      clusters: ['default'],
      expected: held?.addresses ?? [],
      sharing: below(4) === 0 ? `key${below(10)}` : '',
      backend: '',
      ports: [`TCP/${below(3)}`],
      options: options(),
      wait: below(2) === 0,
      restMs: below(3) === 0 ? 50 : 0,
      reserveMs: 0,
      why: 'storm',
    }
    const first = await claimOrConclude(scripts, request, below(2) === 0 ? 'keep' : 'release')
    if (!own || first.outcome !== 'claimed' || first.addresses.join() === request.expected.join()) {
      return
    }
    // The same request again, as after a lost answer: it is out of date, and changes nothing.
    const again = await scripts.claim(request)
    if (again.outcome !== 'changed') {
      process.stdout.write(`REPEAT ${service} ${first.addresses} then ${JSON.stringify(again)}\n`)
    }
  }
  await Promise.all(Array.from({ length: 8 }, act))
  process.stdout.write(AT_WORK)
  for (;;) await Promise.all(Array.from({ length: 8 }, act))
}
