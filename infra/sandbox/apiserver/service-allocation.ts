import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { ApiError, cause, invalid } from './api-error.ts'
import { chooseFamilies } from './ip-families.ts'
import { type ApiObject, at, equal, isObject, listAt, textsAt } from './object.ts'
import { spec, usesHealthCheckNodePort, usesNodePorts } from './service-spec.ts'
import type { Store } from './store.ts'

const SERVICE = { group: '', plural: 'services', kind: 'Service' }
const NODE_PORTS = { from: 30000, to: 32767 }

/** Gives Services their cluster IPs and node ports. What is taken is read off the stored Services as they change. */
export class ServiceAllocator {
  readonly #taken = new Set<string>()
  readonly #ranges: readonly Range[]
  #nextNodePort = NODE_PORTS.from

  constructor(store: Store, serviceCIDRs: readonly string[]) {
    this.#ranges = serviceCIDRs.map(rangeOf)
    store.subscribe(event => {
      if (event.resource !== 'services') return
      if (event.previous) for (const one of holdings(event.previous)) this.#taken.delete(one)
      if (event.type !== 'DELETED') for (const one of holdings(event.object)) this.#taken.add(one)
    })
  }

  allocate(service: ApiObject, old: ApiObject | null): void {
    const own = spec(service)
    const held = new Set(old ? holdings(old) : [])
    const name = service.metadata.name
    if (own.type !== 'ExternalName') {
      chooseFamilies(
        service,
        old,
        this.#ranges.map(range => range.family),
      )
      if (textsAt(own, 'clusterIPs')[0] !== 'None') this.#allocateClusterIPs(service, held)
    }
    const reserved = new Set<string>()
    if (usesNodePorts(own)) {
      listAt(own, 'ports').forEach((port, index) => {
        if (!isObject(port)) return
        const asked = Number(port.nodePort ?? 0)
        if (asked === 0 && own.allocateLoadBalancerNodePorts === false) return
        const field = `spec.ports[${index}].nodePort`
        port.nodePort = asked || this.#freeNodePort(reserved)
        this.#reserveNodePort(name, field, Number(port.nodePort), held, reserved)
      })
    }
    if (usesHealthCheckNodePort(own)) {
      own.healthCheckNodePort = Number(own.healthCheckNodePort ?? 0) || this.#freeNodePort(reserved)
      const field = 'spec.healthCheckNodePort'
      this.#reserveNodePort(name, field, Number(own.healthCheckNodePort), held, reserved)
    }
  }

  #allocateClusterIPs(service: ApiObject, held: ReadonlySet<string>): void {
    const own = spec(service)
    const asked = textsAt(own, 'clusterIPs')
    const given = textsAt(own, 'ipFamilies').map((family, index) => {
      const range = this.#ranges.find(one => one.family === family)
      if (!range) return asked[index] ?? ''
      const address = asked[index]
      if (!address) return this.#freeClusterIP(range)
      if (held.has(address)) return address
      const fault = this.#taken.has(address)
        ? 'provided IP is already allocated'
        : inside(range, address)
          ? null
          : `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${range.cidr}`
      if (!fault) return address
      const why = `failed to allocate IP ${address}: ${fault}`
      throw invalid(SERVICE, service.metadata.name, [cause.invalid('spec.clusterIPs', asked, why)])
    })
    if (equal(given, asked) && own.clusterIP === given[0]) return
    own.clusterIPs = given
    own.clusterIP = given[0] ?? ''
  }

  #freeClusterIP(range: Range): string {
    for (let tries = 0; tries < range.size; tries++) {
      range.next = (range.next % (range.size - 2)) + 1
      const address = addressAt(range, range.next)
      if (!this.#taken.has(address)) return address
    }
    const message = `Internal error occurred: failed to allocate a serviceIP: range is full`
    throw new ApiError(500, 'InternalError', message)
  }

  #freeNodePort(reserved: ReadonlySet<string>): number {
    const count = NODE_PORTS.to - NODE_PORTS.from + 1
    for (let tries = 0; tries < count; tries++) {
      const port = this.#nextNodePort
      this.#nextNodePort = port === NODE_PORTS.to ? NODE_PORTS.from : port + 1
      if (!this.#taken.has(nodePortKey(port)) && !reserved.has(nodePortKey(port))) return port
    }
    const message = 'Internal error occurred: failed to allocate a nodePort: range is full'
    throw new ApiError(500, 'InternalError', message)
  }

  #reserveNodePort(
    name: string,
    field: string,
    port: number,
    held: ReadonlySet<string>,
    reserved: Set<string>,
  ): void {
    const key = nodePortKey(port)
    const refuse = (why: string) => invalid(SERVICE, name, [cause.invalid(field, port, why)])
    if (port < NODE_PORTS.from || port > NODE_PORTS.to) {
      const range = `${NODE_PORTS.from}-${NODE_PORTS.to}`
      throw refuse(`provided port is not in the valid range. The range of valid ports is ${range}`)
    }
    if (this.#taken.has(key) && !held.has(key)) throw refuse('provided port is already allocated')
    reserved.add(key)
  }
}

const nodePortKey = (port: number) => `:${port}`

/** The addresses and node ports that a Service holds, as keys of one set. */
function holdings(service: ApiObject): string[] {
  const own = spec(service)
  const ports = [...listAt(own, 'ports').map(port => at(port, 'nodePort')), own.healthCheckNodePort]
  return [
    ...textsAt(own, 'clusterIPs').filter(address => isIP(address) !== 0),
    ...ports.filter(port => typeof port === 'number' && port > 0).map(port => `:${port}`),
  ]
}

interface Range {
  readonly cidr: string
  readonly family: 'IPv4' | 'IPv6'
  readonly base: readonly number[]
  readonly size: number
  next: number
}

const SIZE_MAX = 2 ** 20

function rangeOf(cidr: string): Range {
  const [address, prefix] = ipaddr.parseCIDR(cidr)
  const bits = address.kind() === 'ipv4' ? 32 : 128
  const size = Math.min(2 ** (bits - prefix), SIZE_MAX)
  const family = address.kind() === 'ipv4' ? 'IPv4' : 'IPv6'
  return { cidr, family, base: address.toByteArray(), size, next: 0 }
}

function addressAt(range: Range, offset: number): string {
  const octets = [...range.base]
  let carry = offset
  for (let index = octets.length - 1; index >= 0 && carry > 0; index--) {
    const sum = (octets[index] ?? 0) + carry
    octets[index] = sum & 0xff
    carry = Math.floor(sum / 256)
  }
  const address = ipaddr.fromByteArray(octets)
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString()
}

function inside(range: Range, address: string): boolean {
  if (isIP(address) !== (range.family === 'IPv4' ? 4 : 6)) return false
  return ipaddr.parse(address).match(ipaddr.parseCIDR(range.cidr))
}
