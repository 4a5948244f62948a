/** Answers `conflict/<address>` of a publish queue: says to whoever holds the address that another host on the LAN claims it too. */
import { claimedToo } from '../functions/publish/conflict.ts'
import { EVENTS_KEY } from '../infra/redis/publishing.ts'
import { split } from './on-allocate.ts'
import type { PublishWorld } from './on-publish.ts'

export async function publishConflict(key: string, world: PublishWorld): Promise<void> {
  const { cluster, state, publishing, instance } = world
  const queue = `publish-${cluster}`
  const dirty = await state.dirty(queue, key)
  const address = key.slice('conflict/'.length)
  const [record, [lan]] = await Promise.all([state.addressRecord(address), state.lan([address])])
  for (const [id, { uid }] of Object.entries(record?.holders ?? {})) {
    const holder = split(id)
    if (holder.cluster !== cluster || !lan || !('claimed' in lan)) continue
    const [namespace = '', name = ''] = holder.name.split('/')
    const regarding = { apiVersion: 'v1', kind: 'Service', namespace, name, uid }
    const event = claimedToo({ name, uid }, address, lan.claimed)
    await publishing.owe({ ...event, regarding, reportingInstance: instance })
    await world.ring(queue, [EVENTS_KEY])
  }
  await state.answered(queue, key, dirty)
}
