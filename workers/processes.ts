/**
 * The commands of `herald` that run until they are stopped: one process per privilege, and all of them. What is not
 * asked for is not loaded.
 */
import { hasRedis, type UpConfig } from '../infra/config.ts'
import type { HeraldCommand } from './command.ts'
import { serve } from './run.ts'

export const PROCESSES: readonly HeraldCommand[] = [
  {
    name: 'up',
    summary: 'everything in one command, with a Redis of its own; without a cluster, a sandbox',
    about: `Starts watcher, allocator and announcer together.

Needs: nothing. Without --redis-url it starts a private redis-server in the state directory;
without --kubeconfig, and outside a pod, it makes a sandbox: a small Kubernetes API server and
a LAN of three nodes and a client (as root, or in a user namespace of its own).

Example: herald up
Example: herald up --kubeconfig ~/.kube/config --node-name node-a`,
    start: config => serve(config, async world => (await import('./up.ts')).runUp(world)),
  },
  {
    name: 'watcher',
    summary: 'reads Kubernetes, rings the allocators, writes statuses and events',
    about: `Lists and watches Services, EndpointSlices, Nodes, Namespaces and the configuration, keeps
what matters in Redis, and writes addresses and events back. Run two; both are active.

Needs: Redis, and the rights of infra/deploy/rbac.yaml on the API server.

Example: herald watcher --redis-url redis://redis:6379`,
    start: config =>
      serve(withRedis(config), async world => (await import('./watcher.ts')).runWatcher(world)),
  },
  {
    name: 'allocator',
    summary: 'decides which address a Service gets and which node announces it',
    about: `Answers the queues "allocate" and "place". Run as many as you like.

Needs: Redis, nothing else.

Example: herald allocator --redis-url redis://redis:6379 --concurrency 32`,
    start: config =>
      serve(withRedis(config), async world => (await import('./allocator.ts')).runAllocator(world)),
  },
  {
    name: 'announcer',
    summary: 'answers ARP and NDP for the addresses placed on its node',
    about: `Run one on each node, in the network of the host.

Needs: Redis, and the capability NET_RAW. No Kubernetes credentials.

Example: herald announcer --redis-url redis://redis:6379 --node-name node-a`,
    start: config =>
      serve(withRedis(config), async world => (await import('./announcer.ts')).runAnnouncer(world)),
  },
  {
    name: 'console',
    summary: 'shows pools, Services, nodes, history and queues in a browser',
    about: `One page that shows what lies in Redis as it changes, and the queues under /queues. Everybody
who reaches it may read; to act upon queues takes the admin token.

Needs: Redis, nothing else.

Example: herald console --redis-url redis://redis:6379`,
    start: config =>
      serve(withRedis(config), async world => (await import('./console.ts')).runConsole(world)),
  },
]

/** Only `up` may come without a Redis; readConfig has seen to it. */
function withRedis(config: UpConfig) {
  if (hasRedis(config)) return config
  throw new Error(`${config.process} was let through without a Redis`)
}
