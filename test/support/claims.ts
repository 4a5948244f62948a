/** Short ways to say a claim in tests. */
import { windowsOf } from '../../functions/allocate/windows.ts'
import type { Pool } from '../../functions/model/configuration.ts'
import type {
  ClaimAnswer,
  ClaimRequest,
  ConcludeRequest,
  Scripts,
} from '../../infra/redis/scripts.ts'

export const aPool = (
  name: string,
  addresses: readonly string[],
  more: Partial<Pool> = {},
): Pool => ({
  name,
  addresses,
  autoAssign: true,
  avoidBuggyIPs: false,
  serviceAllocation: null,
  labels: {},
  annotations: {},
  ...more,
})

/** A claim of one IPv4 address from the pool, by a Service that was never seen and holds nothing. */
export function aClaim(
  service: string,
  pool: Pool,
  more: Partial<ClaimRequest> = {},
): ClaimRequest {
  const windows = [...windowsOf(pool, 'IPv4')]
  return {
    cluster: 'default',
    service,
    uid: `uid-${service}`,
    version: '',
    clusters: ['default'],
    expected: [],
    sharing: '',
    backend: '',
    ports: ['TCP/80'],
    options: [{ pool: pool.name, parts: [{ windows, buggy: pool.avoidBuggyIPs }], lacking: false }],
    wait: true,
    restMs: 0,
    reserveMs: 0,
    why: 'test',
    ...more,
  }
}

/** What an allocator does with a Service that is gone. */
export const forget = (
  scripts: Scripts,
  request: ClaimRequest,
  expected: readonly string[],
  more: Partial<ConcludeRequest> = {},
) => scripts.conclude({ ...request, expected, order: 'forget', wait: false, ...more })

/** A claim, and where nothing can be had: what is held is kept, or released. */
export async function claimOrConclude(
  scripts: Scripts,
  request: ClaimRequest,
  order: 'keep' | 'release' = 'release',
): Promise<ClaimAnswer> {
  const answer = await scripts.claim(request)
  return answer.outcome === 'refused' ? scripts.conclude({ ...request, order }) : answer
}

/** Says that nothing is to be adopted, as a watcher does that found an empty cluster. */
export async function adoptNothing(scripts: Scripts, cluster = 'default'): Promise<void> {
  const adoption = scripts.adoption(cluster, 'test')
  await adoption.begin()
  await adoption.end()
}
