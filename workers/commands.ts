/** Every command of `herald`, in the order of `--help`. What is not asked for is not loaded. */
import { SHELLS } from '../functions/complete/command.ts'
import { KINDS } from '../functions/inventory/inventory.ts'
import type { HeraldCommand } from './command.ts'
import { PROCESSES } from './processes.ts'
import { perform } from './run.ts'

/** What is asked of one thing; each kind as kubectl has it, also in the plural. */
const ONE_OF = ['service', 'address', 'pool', 'node', 'queue']

const NEEDS_REDIS_OR_CONSOLE = `Needs: Redis, or a console; without --redis-url and --console-url the Redis of the "herald up" that runs.`
const NEEDS_REDIS = `Needs: Redis; without --redis-url that of the "herald up" that runs.`

export const COMMANDS: readonly HeraldCommand[] = [
  ...PROCESSES,
  {
    name: 'client',
    summary: 'runs a command as the client on the LAN of the sandbox',
    about: `Needs: a sandbox that is up ("herald up" in another terminal, same --state-dir).

Example: herald client curl http://192.168.50.211`,
    argument: '<command...>',
    start: (config, argv) =>
      perform(config, async world => (await import('./sandboxed.ts')).runClient(world, argv)),
  },
  {
    name: 'kubectl',
    summary: 'runs kubectl against the API server of the sandbox',
    about: `Needs: a sandbox that is up ("herald up" in another terminal, same --state-dir).

Example: herald kubectl get svc -o wide`,
    argument: '<arguments...>',
    start: (config, argv) =>
      perform(config, async world => (await import('./sandboxed.ts')).runKubectl(world, argv)),
  },
  {
    name: 'explain',
    summary: 'says why a Service, an address, a pool, a node or a queue is as it is',
    about: `What a Service has or lacks, and why: each pool that was considered, who holds what it asks
for, which node announces it. "service <namespace>/<name>", "address <ip>", or "pool", "node" or
"queue" and its name.

${NEEDS_REDIS_OR_CONSOLE}

Example: herald explain service default/nginx
Example: herald explain address 192.168.50.211 -o json`,
    argument: '<kind> <name>',
    words: ONE_OF,
    start: (config, [kind = '', name = '']) =>
      perform(config, async world => (await import('./describe.ts')).runExplain(world, kind, name)),
  },
  {
    name: 'describe',
    summary: 'everything that is known of one Service, address, pool, node or queue',
    about: `What "get -o wide" shows of it, what "explain" says of it, and its last entries in the history.

${NEEDS_REDIS_OR_CONSOLE}

Example: herald describe service default/nginx
Example: herald describe node node-a -o yaml`,
    argument: '<kind> <name>',
    words: ONE_OF,
    start: (config, [kind = '', name = '']) =>
      perform(config, async world =>
        (await import('./describe.ts')).runDescribe(world, kind, name),
      ),
  },
  {
    name: 'history',
    summary: 'who held which address, when and why; newest last',
    about: `Of everything, or of one address, one pool or one Service ("<namespace>/<name>").

${NEEDS_REDIS_OR_CONSOLE}

Example: herald history 192.168.50.211`,
    argument: '[subject]',
    start: (config, [subject]) =>
      perform(config, async world => (await import('./describe.ts')).runHistory(world, subject)),
  },
  {
    name: 'get',
    summary: 'lists services, addresses, pools, nodes or queues',
    about: `All of a kind, or the one that is named; with -w it goes on and shows what changes.

${NEEDS_REDIS_OR_CONSOLE}

Example: herald get services
Example: herald get address 192.168.50.211 -o yaml
Example: herald get queues -w`,
    argument: '<kind> [name]',
    words: KINDS,
    start: (config, [kind = '', name]) =>
      perform(config, async world => (await import('./get.ts')).runGet(world, kind, name)),
  },
  {
    name: 'top',
    summary: 'queues, nodes and pools, live on a terminal',
    about: `Shows them anew every second until Ctrl-C; once, when it is not written to a terminal.

${NEEDS_REDIS_OR_CONSOLE}

Example: herald top`,
    start: config => perform(config, async world => (await import('./get.ts')).runTop(world)),
  },
  {
    name: 'reserve',
    summary: 'keeps an address for one Service, whether it is there yet or not',
    about: `Nobody else gets the address, and the Service gets it before any other. It may hold it
already; the reservation outlives that, and an empty Redis too.

${NEEDS_REDIS}

Example: herald reserve 192.168.50.211 --service default/nginx
Example: herald reserve 192.168.50.211 --service default/nginx --for forever`,
    argument: '<address>',
    start: (config, [address = '']) =>
      perform(config, async world => (await import('./reserve.ts')).runReserve(world, address)),
  },
  {
    name: 'release',
    summary: 'ends the reservation or the quarantine of an address',
    about: `Whether it was reserved by hand, by the annotation herald.io/reserve of a Service that is gone,
or quarantined because another host on the LAN had it. Who holds the address keeps it.

${NEEDS_REDIS}

Example: herald release 192.168.50.211`,
    argument: '<address>',
    start: (config, [address = '']) =>
      perform(config, async world => (await import('./reserve.ts')).runRelease(world, address)),
  },
  {
    name: 'drain',
    summary: 'moves all that a node announces to others, and keeps it free',
    about: `Before work on a node: its addresses move to other nodes, one after the other answers before
this one stops, and no new ones come. What no other node may serve stays, and is listed. The
mark outlives restarts and an empty Redis; "herald undrain" ends it.

${NEEDS_REDIS}

Example: herald drain node-a`,
    argument: '<node>',
    start: (config, [node = '']) =>
      perform(config, async world => (await import('./drain.ts')).runDrain(world, node)),
  },
  {
    name: 'undrain',
    summary: 'lets a drained node announce again',
    about: `What has moved away stays where it is; "herald rebalance" spreads it over all nodes again.

${NEEDS_REDIS}

Example: herald undrain node-a`,
    argument: '<node>',
    start: (config, [node = '']) =>
      perform(config, async world => (await import('./drain.ts')).runUndrain(world, node)),
  },
  {
    name: 'rebalance',
    summary: 'spreads what is announced evenly over the nodes that may',
    about: `Failures and drains leave addresses on few nodes, since nothing moves by itself that need not.
This moves as few as give balance, preferred nodes first; --dry-run only says which.

${NEEDS_REDIS}

Example: herald rebalance --dry-run`,
    start: config =>
      perform(config, async world => (await import('./drain.ts')).runRebalance(world)),
  },
  {
    name: 'secrets',
    summary: 'makes the Secrets of an installation where they are missing',
    about: `In --namespace: the passwords of the Redis that comes with it (herald-redis, herald-redis-users), the key
of the beats (herald-beat), the admin token of the console (herald-console), and the keys that pool windows are signed and
checked with (herald-windows-private, herald-windows-public). What is there stays as it is and is not read.

Needs: the right to create Secrets there, nothing else.

Example: herald secrets --namespace metallb-system`,
    start: config =>
      perform(config, async world => (await import('./secrets.ts')).runSecrets(world)),
  },
  {
    name: 'migrate',
    summary: 'says what would change on moving over from MetalLB; converts its old ConfigMap',
    about: `"check" reads a cluster, writes nothing, and says which Services would not keep what they have,
and what of the configuration Herald would refuse or does not serve; exit code 3 when there is any.
"configmap <file>" prints the objects that mean the same as a ConfigMap of MetalLB 0.7 to 0.12.

Needs: the right to list Services, Nodes, Namespaces, Pods and the configuration; or a file.

Example: herald migrate check --kubeconfig ~/.kube/config
Example: herald migrate configmap config.yaml | kubectl apply -f -`,
    argument: '<what> [file]',
    words: ['check', 'configmap'],
    start: (config, [what = '', file]) =>
      perform(config, async world => (await import('./migrate.ts')).runMigrate(world, what, file)),
  },
  {
    name: 'completion',
    summary: 'prints what lets a shell complete the command line',
    about: `Commands, options and the words that they take, for bash, zsh or fish.

Needs: nothing.

Example: source <(herald completion bash)
Example: source <(herald completion zsh)
Example: herald completion fish | source`,
    argument: '<shell>',
    words: SHELLS,
    start: async (_, [shell = '']) => (await import('./completion.ts')).runCompletion(shell),
  },
  {
    name: 'walkthrough',
    summary: 'shows the way of one Service, step by step, in a sandbox of its own',
    about: `Applies a pool and a Service, asks the LAN, deletes them again; prints each step and what
was seen. Exit code 0 only if all of it held.

Needs: root, or user namespaces.

Example: herald walkthrough`,
    // It speaks for itself; only what goes wrong is to come in between.
    start: config =>
      perform({ ...config, logLevel: 'error', console: null }, async world =>
        (await import('./walkthrough.ts')).runWalkthrough(world),
      ),
  },
]
