/**
 * Answers `conflict/<address>` of a publish queue: says to whoever holds the address that another host on the LAN
 * claims it too.
 */
import { claimedToo } from '../functions/publish/conflict.ts'
import { split } from './on-allocate.ts'
import type { PublishWorld } from './publish-world.ts'
import { owe } from './say.ts'

export async function publishConflict(key: string, world: PublishWorld): Promise<void> {
  const { cluster, state } = world
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
    await owe(event, regarding, world)
  }
  await state.answered(queue, key, dirty)
}
