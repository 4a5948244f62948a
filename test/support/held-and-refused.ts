/** What people who ask about a Service most often find: one holds an address, and another asks for the very same. */
import { allocatorWorld } from './allocator-world.ts'
import { aPool } from './claims.ts'
import { commands } from './cli.ts'
import { aConfiguration, aService } from './services.ts'
import type { Scope } from './undo.ts'

/** Pool "blue" of two addresses: default/one holds the first, default/two asked for it in vain. */
export async function heldAndRefused(t: Scope) {
  const world = await allocatorWorld(t)
  await world.configure(aConfiguration(aPool('blue', ['192.168.50.211-192.168.50.212'])))
  await world.serve(aService('one'))
  await world.serve(aService('two', { loadBalancerIP: '192.168.50.211' }))
  return { world, ask: commands(t, world.path) }
}
