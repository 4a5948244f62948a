/** What must hold once everything has come to rest. */
import type { Redis } from 'ioredis'
import { assertReady } from '../support/crew.ts'
import { eventually } from '../support/eventually.ts'
import type { Lab } from '../support/lab.ts'
import { violations } from '../support/violations.ts'
import type { Churn } from './churn.ts'

const REST_LIMIT_MS = 90_000
const ASKED_MOST = 8
const QUEUES = ['allocate', 'place', 'publish-default']

export interface Resting {
  readonly lab: Lab
  readonly services: Churn
  readonly redis: Redis
}

/** Waits until all work is done, and says what is not as it must be. */
export async function atRest({ lab, services, redis }: Resting): Promise<string[]> {
  const { found, expect } = expectations()
  await expect('every process can do its job', async () => {
    for (const child of lab.children) await assertReady(child)
  })
  await expect('every Service has its address', async () => {
    const without = [...services.present()].filter(([, address]) => !address)
    if (without.length > 0) throw new Error(without.map(([name]) => name).join())
  })
  await expect('no queue holds anything', async () => {
    for (const queue of QUEUES) {
      const [waiting, active, delayed, unanswered] = await Promise.all([
        redis.llen(`{herald}:${queue}:wait`),
        redis.llen(`{herald}:${queue}:active`),
        redis.zcard(`{herald}:${queue}:delayed`),
        redis.zcard(`{herald}:dirty:${queue}`),
      ])
      const counts = { waiting, active, delayed, unanswered }
      if (waiting + active + delayed + unanswered > 0)
        throw new Error(`${queue}: ${JSON.stringify(counts)}`)
    }
  })
  for (const address of [...new Set(services.present().values())].slice(0, ASKED_MOST)) {
    await expect(`one node answers for ${address}`, async () => {
      const answerers = await lab.answerers(address)
      if (answerers.length !== 1) throw new Error(`[${answerers}] do`)
    })
  }
  return [...found, ...services.violations, ...(await violations(redis))]
}

/** The same once all Services are deleted. */
export async function emptied({ services, redis }: Resting): Promise<string[]> {
  const { found, expect } = expectations()
  services.clear()
  await expect('what is deleted holds nothing', async () => {
    const held = await redis.hlen('{herald}:default:allocations')
    if (held > 0) throw new Error(`${held} allocations are left`)
  })
  return [...found, ...(await violations(redis))]
}

function expectations() {
  const found: string[] = []
  const expect = async (what: string, holds: () => Promise<void>) => {
    await eventually(holds, REST_LIMIT_MS).catch(error => void found.push(`${what}: ${error}`))
  }
  return { found, expect }
}
