/** What the cells of kubectl's tables say (k8s.io/kubernetes/pkg/printers/internalversion/printers.go). */

import { type ApiObject, at, type Json, listAt, textAt, textsAt } from './object.ts'

export function age(object: ApiObject): string {
  return since(object.metadata.creationTimestamp ?? '')
}

/** The time that passed since, as duration.HumanDuration says it: "42s", "5m3s", "3h", "12d". */
export function since(timestamp: string): string {
  const thenMs = Date.parse(timestamp)
  if (Number.isNaN(thenMs)) return '<unknown>'
  const seconds = Math.floor((Date.now() - thenMs) / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 120) return `${Math.max(0, seconds)}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10) return seconds % 60 ? `${minutes}m${seconds % 60}s` : `${minutes}m`
  if (minutes < 180) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 8) return minutes % 60 ? `${hours}h${minutes % 60}m` : `${hours}h`
  if (hours < 48) return `${hours}h`
  const days = Math.floor(hours / 24)
  if (hours < 192) return hours % 24 ? `${days}d${hours % 24}h` : `${days}d`
  if (days < 730) return `${days}d`
  const years = Math.floor(days / 365)
  return days < 8 * 365 && days % 365 ? `${years}y${days % 365}d` : `${years}y`
}

export function eventAge(event: ApiObject): string {
  const last =
    textAt(event, 'series', 'lastObservedTime') ||
    textAt(event, 'lastTimestamp') ||
    textAt(event, 'deprecatedLastTimestamp') ||
    textAt(event, 'eventTime') ||
    textAt(event, 'firstTimestamp')
  return since(last || (event.metadata.creationTimestamp ?? ''))
}

export function joined(items: readonly string[]): string {
  return items.length > 0 ? items.join(',') : '<none>'
}

/** EXTERNAL-IP of a Service. */
export function address(service: ApiObject): string {
  const external = textsAt(service, 'spec', 'externalIPs')
  const type = textAt(service, 'spec', 'type')
  if (type === 'ExternalName') return textAt(service, 'spec', 'externalName')
  if (type !== 'LoadBalancer') return joined(external)
  const ingress = listAt(service, 'status', 'loadBalancer', 'ingress')
  const given = ingress.map(one => textAt(one, 'ip') || textAt(one, 'hostname'))
  const all = [...given.filter(text => text !== ''), ...external]
  return all.length > 0 ? all.join(',') : '<pending>'
}

export function servicePorts(service: ApiObject): string {
  return joined(
    listAt(service, 'spec', 'ports').map(port => {
      const nodePort = Number(at(port, 'nodePort') ?? 0)
      const node = nodePort > 0 ? `:${nodePort}` : ''
      return `${textAt(port, 'port')}${node}/${textAt(port, 'protocol')}`
    }),
  )
}

export function nodeStatus(node: ApiObject): string {
  const conditions = listAt(node, 'status', 'conditions')
  const found = conditions.find(condition => textAt(condition, 'type') === 'Ready')
  const parts = [found ? (textAt(found, 'status') === 'True' ? 'Ready' : 'NotReady') : 'Unknown']
  if (at(node, 'spec', 'unschedulable') === true) parts.push('SchedulingDisabled')
  return parts.join(',')
}

export function nodeRoles(node: ApiObject): string {
  const prefix = 'node-role.kubernetes.io/'
  const roles = Object.entries(node.metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(prefix) && key.length > prefix.length) return [key.slice(prefix.length)]
    return key === 'kubernetes.io/role' && value !== '' ? [value] : []
  })
  return joined(roles.sort())
}

export function ready(pod: ApiObject): string {
  const statuses = listAt(pod, 'status', 'containerStatuses')
  const count = statuses.filter(status => at(status, 'ready') === true).length
  return `${count}/${listAt(pod, 'spec', 'containers').length}`
}

export function containers(object: ApiObject, field: 'name' | 'image'): string {
  return listAt(object, 'spec', 'template', 'spec', 'containers')
    .map(one => textAt(one, field))
    .join(',')
}

/** ENDPOINTS of an EndpointSlice: three, and how many more. */
export function endpoints(slice: ApiObject): string {
  const all = listAt(slice, 'endpoints').flatMap(endpoint => textsAt(endpoint, 'addresses'))
  return shortened(all, '<unset>')
}

export function portList(slice: ApiObject): string {
  return shortened(
    listAt(slice, 'ports').map(port => textAt(port, 'port') || '*'),
    '<unset>',
  )
}

/** ENDPOINTS of an Endpoints object. */
export function subsets(object: ApiObject): string {
  const all = listAt(object, 'subsets').flatMap(subset => {
    const ports = listAt(subset, 'ports').map(port => textAt(port, 'port'))
    const addresses = listAt(subset, 'addresses').map(one => textAt(one, 'ip'))
    if (ports.length === 0) return addresses
    return ports.flatMap(port =>
      addresses.map(ip => `${ip.includes(':') ? `[${ip}]` : ip}:${port}`),
    )
  })
  return shortened(all, '<none>')
}

const SHOWN_MAX = 3

function shortened(items: readonly string[], empty: string): Json & string {
  if (items.length === 0) return empty
  const more = items.length - SHOWN_MAX
  return items.slice(0, SHOWN_MAX).join(',') + (more > 0 ? ` + ${more} more...` : '')
}
