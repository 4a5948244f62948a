import { isIP } from 'node:net'
import { type Cause, cause, invalid } from './api-error.ts'
import { type ApiObject, equal, type JsonObject, objectAt, textsAt } from './object.ts'
import { spec } from './service-spec.ts'

const SERVICE = { group: '', plural: 'services', kind: 'Service' }
const POLICY = 'spec.ipFamilyPolicy'

/**
 * Settles ipFamilyPolicy and ipFamilies for the families that the cluster has
 * (k8s.io/kubernetes/pkg/registry/core/service/storage/alloc.go: initIPFamilyFields). Throws 422.
 */
export function chooseFamilies(
  service: ApiObject,
  old: ApiObject | null,
  configured: readonly string[],
): void {
  const own = spec(service)
  const before = old ? spec(old) : null
  if (before && isUnchangedPreferDualStack(own, before)) return
  const selectorless = Object.keys(objectAt(own, 'selector')).length === 0
  const bare = own.clusterIP === 'None' && selectorless
  own.ipFamilyPolicy ??= before?.ipFamilyPolicy ?? (bare ? 'RequireDualStack' : 'SingleStack')
  const single = own.ipFamilyPolicy === 'SingleStack'
  const refuse = (causes: readonly Cause[]) => {
    if (causes.length > 0) throw invalid(SERVICE, service.metadata.name, causes)
  }
  refuse([
    ...(before ? reductions(own, before, single) : []),
    ...(single ? secondValues(own) : []),
    ...inferFamilies(own, configured),
  ])
  if (bare) {
    own.ipFamilies ??= [configured[0] ?? 'IPv4']
    if (!single) addSecondFamily(own)
    return
  }
  const causes: Cause[] = []
  if (own.ipFamilyPolicy === 'RequireDualStack' && configured.length < 2) {
    const why = 'this cluster is not configured for dual-stack services'
    causes.push(cause.invalid(POLICY, own.ipFamilyPolicy, why))
  }
  textsAt(own, 'ipFamilies').forEach((family, index) => {
    if (configured.includes(family)) return
    causes.push(
      cause.invalid(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'),
    )
  })
  refuse(causes)
  if (textsAt(own, 'ipFamilies').length === 0) own.ipFamilies = [configured[0] ?? 'IPv4']
  if (!single && configured.length === 2) addSecondFamily(own)
}

function addSecondFamily(own: JsonObject): void {
  const [first, second] = textsAt(own, 'ipFamilies')
  if (first && !second) own.ipFamilies = [first, first === 'IPv4' ? 'IPv6' : 'IPv4']
}

/** A PreferDualStack Service is not upgraded or downgraded because the cluster changed under it. */
function isUnchangedPreferDualStack(own: JsonObject, before: JsonObject): boolean {
  if (before.type === 'ExternalName' || own.type === 'ExternalName') return false
  const fields = ['ipFamilyPolicy', 'clusterIP', 'clusterIPs', 'ipFamilies']
  return (
    own.ipFamilyPolicy === 'PreferDualStack' &&
    fields.every(field => equal(own[field], before[field]))
  )
}

/** Going to SingleStack is intent enough to give up the second value; without it the second may not be left out. */
function reductions(own: JsonObject, before: JsonObject, single: boolean): Cause[] {
  const causes: Cause[] = []
  const words = { clusterIPs: 'cluster IP', ipFamilies: 'IP family' }
  for (const [field, word] of Object.entries(words)) {
    const [is, was] = [textsAt(own, field), textsAt(before, field)]
    if (single && is.length > 1 && equal(is, was)) own[field] = is.slice(0, 1)
    if (!single && is.length === 1 && was.length === 2) {
      const why = `must be 'SingleStack' to release the secondary ${word}`
      causes.push(cause.invalid(POLICY, own.ipFamilyPolicy, why))
    }
  }
  return causes
}

function secondValues(own: JsonObject): Cause[] {
  const words = { clusterIPs: 'cluster IPs', ipFamilies: 'IP families' }
  return Object.entries(words).flatMap(([field, word]) => {
    if (textsAt(own, field).length < 2) return []
    const why = `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${word} are specified`
    return [cause.invalid(POLICY, own.ipFamilyPolicy, why)]
  })
}

/** Addresses asked for say which families are wanted. */
function inferFamilies(own: JsonObject, configured: readonly string[]): Cause[] {
  const causes: Cause[] = []
  const addresses = textsAt(own, 'clusterIPs')
  addresses.forEach((address, index) => {
    if (address === 'None' || index < textsAt(own, 'ipFamilies').length) return
    const family = `IPv${isIP(address)}`
    if (configured.includes(family)) own.ipFamilies = [...textsAt(own, 'ipFamilies'), family]
    else {
      const why = `${family} is not configured on this cluster`
      causes.push(cause.invalid(`spec.clusterIPs[${index}]`, addresses, why))
    }
  })
  return causes
}
