/**
 * A LAN in the kernel of this machine: a switch, nodes and a client, each in a network namespace of its own, joined by
 * veth pairs over a bridge. Real frames, real ARP caches; nothing of it touches the host's own network, so any number
 * can stand side by side.
 */
import { Fault } from '../../../functions/model/fault.ts'
import { HAS_IPV6, HOSTS, hostsOf, type LanHost } from './hosts.ts'
import { type Namespace, type Outcome, openNamespace, type Privilege, runIn } from './namespace.ts'

export interface Lan {
  readonly nodes: readonly LanHost[]
  readonly client: LanHost
  /** Put before a command, runs it on that host; usable from any process of the same user. */
  enter(host: string): readonly string[]
  exec(
    host: string,
    argv: readonly string[],
    options?: { input?: string; signal?: AbortSignal },
  ): Promise<Outcome>
  /** Pulls the host's cable out of the switch, or puts it in again. */
  cable(host: string, state: 'up' | 'down'): Promise<void>
  /** Cuts the host off from all others that are cut off too; everybody else still hears it. */
  isolate(host: string, isolated: boolean): Promise<void>
  destroy(): Promise<void>
}

/** The interface by which each host is on the LAN. */
export const INTERFACE = 'eth0'

/** Which privilege serves to make a LAN here, or why none does and what to do. */
export async function lanSupport(): Promise<
  { readonly privilege: Privilege } | { readonly reason: string }
> {
  if (process.platform !== 'linux') {
    return { reason: `network namespaces are a thing of Linux, and this is ${process.platform}` }
  }
  const refusals: string[] = []
  const privileges: Privilege[] = process.geteuid?.() === 0 ? ['root', 'user'] : ['user']
  for (const privilege of privileges) {
    const refusal = await attempt(privilege)
    if (refusal === null) return { privilege }
    refusals.push(refusal)
  }
  return { reason: `${refusals.join('; ')}. ${REMEDY}` }
}

/** Throws Fault when the kernel refuses; ask lanSupport() first. */
export async function createLan(
  options: { privilege?: Privilege; nodes?: readonly string[] } = {},
): Promise<Lan> {
  const privilege = options.privilege ?? (await supported())
  const { nodes, client } = options.nodes ? hostsOf(options.nodes) : HOSTS
  const hub = await openNamespace(privilege)
  const members = new Map<string, Namespace>()
  const destroy = async () => {
    await Promise.all([...members.values(), hub].map(namespace => namespace.close()))
  }
  const at = (name: string): Namespace => {
    const namespace = members.get(name)
    if (!namespace) throw new Error(`no host on this LAN is called ${name}`)
    return namespace
  }
  try {
    await script(hub, switchScript())
    await Promise.all(
      [...nodes, client].map(async (host, index) => {
        const namespace = await openNamespace(privilege, hub)
        members.set(host.name, namespace)
        await script(hub, cableScript(portOf(host.name, index), namespace.pid))
        await script(namespace, hostScript(host, host !== client))
      }),
    )
  } catch (error) {
    await destroy()
    throw error
  }
  const portOfHost = (name: string) =>
    portOf(
      name,
      [...nodes, client].findIndex(host => host.name === name),
    )
  return {
    nodes,
    client,
    destroy,
    enter: name => at(name).enter,
    exec: (name, argv, how) => runIn(at(name), argv, how),
    isolate: (name, isolated) => {
      at(name)
      const state = isolated ? 'on' : 'off'
      return script(hub, `ip link set ${portOfHost(name)} type bridge_slave isolated ${state}`)
    },
    cable: (name, state) => {
      at(name)
      return script(hub, `ip link set ${portOfHost(name)} ${state}`)
    },
  }
}

const REMEDY =
  'Run as root (sudo), or let unprivileged users make user namespaces: ' +
  'on Ubuntu "sysctl kernel.apparmor_restrict_unprivileged_userns=0", in a container --privileged'

async function supported(): Promise<Privilege> {
  const support = await lanSupport()
  if ('privilege' in support) return support.privilege
  throw new Fault('LanUnsupported', {
    what: 'A LAN of network namespaces cannot be made here',
    why: support.reason,
    remedy: 'Everything but the LAN works without it',
  })
}

/** Tries what createLan will need; null when it works. */
async function attempt(privilege: Privilege): Promise<string | null> {
  try {
    const namespace = await openNamespace(privilege)
    try {
      await script(namespace, `${switchScript()}\nip link add veth0 type veth peer name veth1`)
    } finally {
      await namespace.close()
    }
    return null
  } catch (error) {
    const why = error instanceof Fault ? error.why : String(error)
    return `as ${privilege === 'root' ? 'root' : 'a user namespace'}: ${why}`
  }
}

/** Interface names have 15 characters at most. */
const portOf = (host: string, index: number) => `${index}-${host}`.slice(0, 15)

const set = (path: string, value: number) => `echo ${value} > /proc/sys/net/${path}`

function switchScript(): string {
  return [
    HAS_IPV6 ? set('ipv6/conf/default/disable_ipv6', 1) : '', // a switch has no address
    'ip link add br0 type bridge mcast_snooping 0',
    'ip link set br0 up',
  ].join('\n')
}

function cableScript(port: string, pid: number): string {
  return [
    `ip link add ${port} type veth peer name ${INTERFACE} netns ${pid}`,
    `ip link set ${port} master br0 up`,
  ].join('\n')
}

/** arp_ignore and arp_announce as kube-proxy's IPVS mode sets them: the kernel does not answer for what is on lo. */
function hostScript(host: LanHost, isNode: boolean): string {
  const lines = ['ip link set lo up']
  if (isNode) {
    for (const scope of ['all', 'default', INTERFACE]) {
      lines.push(set(`ipv4/conf/${scope}/arp_ignore`, 1))
      lines.push(set(`ipv4/conf/${scope}/arp_announce`, 2))
    }
  }
  if (HAS_IPV6) lines.push(set(`ipv6/conf/${INTERFACE}/accept_dad`, 0))
  lines.push(`ip link set ${INTERFACE} address ${host.mac} up`)
  lines.push(`ip addr add ${host.ipv4}/24 dev ${INTERFACE}`)
  if (host.ipv6) lines.push(`ip addr add ${host.ipv6}/64 dev ${INTERFACE} nodad`)
  return lines.join('\n')
}

async function script(namespace: Namespace, text: string): Promise<void> {
  const { code, stderr } = await runIn(namespace, ['sh', '-e'], { input: text })
  if (code === 0) return
  throw new Fault('LanRefused', {
    what: 'The LAN of the sandbox could not be set up',
    why: stderr.trim() || `exit code ${code}`,
    remedy: 'iproute2 must be installed, and the kernel must have bridge and veth devices',
  })
}
