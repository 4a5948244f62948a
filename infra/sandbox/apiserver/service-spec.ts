/** What the spec of a Service says, and which fields its type has a use for. */
import { type ApiObject, isObject, type JsonObject, listAt, objectAt, textAt } from './object.ts'

/** The spec of a Service, which every Service has once it was prepared. */
export function spec(service: ApiObject): JsonObject {
  if (!isObject(service.spec)) service.spec = {}
  return objectAt(service, 'spec')
}

export function text(service: ApiObject, field: string): string {
  return textAt(service, 'spec', field)
}

export const usesNodePorts = (own: JsonObject) =>
  own.type === 'NodePort' || own.type === 'LoadBalancer'

export const usesHealthCheckNodePort = (own: JsonObject) =>
  own.type === 'LoadBalancer' && own.externalTrafficPolicy === 'Local'

export const externallyAccessible = (own: JsonObject) =>
  usesNodePorts(own) || (own.type === 'ClusterIP' && listAt(own, 'externalIPs').length > 0)

export const usesClusterIP = (own: JsonObject) => own.type !== 'ExternalName'
