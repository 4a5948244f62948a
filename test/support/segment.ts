/** A switch and hosts, each in a network namespace; everything ends with the test. IPv6 is off where it is not asked for: quiet. */
import { type Namespace, openNamespace, runIn } from '../../infra/sandbox/lan/namespace.ts'
import type { Scope } from './undo.ts'

export interface Segment {
  /** The switch. Its port to a host has the name of the host. */
  readonly hub: Namespace
  /** A host with `eth0` on the switch; `prefix` is its address: "10.7.0.1/24". */
  host(name: string, prefix: string): Promise<Namespace>
  /** Puts an interface of a host on this switch too. */
  attach(host: Namespace, name: string, device: string, prefix: string): Promise<void>
}

export async function segment(t: Scope): Promise<Segment> {
  const hub = await openNamespace('root')
  t.after(() => hub.close())
  await sh(hub, 'sysctl -qw net.ipv6.conf.default.disable_ipv6=1 || true')
  await sh(hub, 'ip link add br0 type bridge mcast_snooping 0; ip link set br0 up')
  const attach: Segment['attach'] = async (host, name, device, prefix) => {
    await sh(hub, `ip link add ${name} type veth peer name ${device} netns ${host.pid}`)
    await sh(hub, `ip link set ${name} master br0 up`)
    await sh(host, `ip link set ${device} up; ip addr add ${prefix} dev ${device}`)
  }
  return {
    hub,
    attach,
    async host(name, prefix) {
      const host = await openNamespace('root', hub)
      t.after(() => host.close())
      await sh(host, 'ip link set lo up')
      await attach(host, name, 'eth0', prefix)
      return host
    },
  }
}

/** What the script wrote; fails when a command of it does. */
export async function sh(namespace: Namespace, script: string): Promise<string> {
  const { code, stdout, stderr } = await runIn(namespace, ['sh', '-e'], { input: script })
  if (code !== 0) throw new Error(`"${script}" failed: ${stderr.trim()}`)
  return stdout.trim()
}
