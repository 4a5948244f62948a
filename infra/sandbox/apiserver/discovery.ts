import type { Catalog } from './catalog.ts'
import type { Json, JsonObject } from './object.ts'
import { apiVersionOf, type Resource } from './resources.ts'

/** The discovery documents under /api and /apis; null for a path that is none. `accept` may ask for the aggregated form. */
export function discovery(
  catalog: Catalog,
  path: string,
  accept: string,
  host: string,
): { type: string; body: JsonObject } | null {
  const parts = path.split('/').filter(part => part !== '')
  const plain = (body: JsonObject) => ({ type: 'application/json', body })
  const all = catalog.all()
  if (
    parts.length === 1 &&
    AGGREGATED.test(accept) &&
    (parts[0] === 'api' || parts[0] === 'apis')
  ) {
    const type = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
    return {
      type,
      body: aggregated(all.filter(one => (one.group === '') === (parts[0] === 'api'))),
    }
  }
  if (path.replace(/\/$/, '') === '/api') {
    const serverAddressByClientCIDRs = [{ clientCIDR: '0.0.0.0/0', serverAddress: host }]
    return plain({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs })
  }
  const groups = groupsOf(all)
  if (parts[0] === 'apis' && parts.length === 1) {
    const list = groups.map(name => groupDocument(all, name))
    return plain({ kind: 'APIGroupList', apiVersion: 'v1', groups: list })
  }
  if (parts[0] === 'apis' && parts.length === 2 && groups.includes(parts[1] ?? '')) {
    return plain({ kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(all, parts[1] ?? '') })
  }
  const groupVersion = parts.slice(1).join('/')
  const own = all.filter(one => apiVersionOf(one) === groupVersion)
  if (own.length === 0 || parts.length > 3) return null
  return plain({
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: own.flatMap(legacyEntries),
  })
}

const AGGREGATED = /g=apidiscovery\.k8s\.io;v=v2(beta1)?;as=APIGroupDiscoveryList/

function groupsOf(all: readonly Resource[]): string[] {
  return [...new Set(all.map(one => one.group))].filter(group => group !== '')
}

/** Versions by preference: v2 before v1, v1 before v1beta1. */
function versionsOf(all: readonly Resource[], group: string): string[] {
  const versions = new Set(all.filter(one => one.group === group).map(one => one.version))
  return [...versions].sort((a, b) => rank(b) - rank(a) || a.localeCompare(b))
}

function rank(version: string): number {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version)
  if (!match) return -1
  const stability = { alpha: 0, beta: 1 }[match[2] ?? ''] ?? 2
  return stability * 1e6 + Number(match[1]) * 1e3 + Number(match[3] ?? 0)
}

function groupDocument(all: readonly Resource[], name: string): JsonObject {
  const versions = versionsOf(all, name).map(version => ({
    groupVersion: `${name}/${version}`,
    version,
  }))
  return { name, versions, preferredVersion: versions[0] ?? null }
}

function verbsOf(): string[] {
  return ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
}

const SUBRESOURCE_VERBS = ['get', 'patch', 'update']

function legacyEntries(resource: Resource): JsonObject[] {
  const { plural, singular, kind, namespaced, shortNames, categories } = resource
  const own: JsonObject = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: verbsOf(),
    ...(shortNames.length > 0 ? { shortNames: [...shortNames] } : {}),
    ...(categories.length > 0 ? { categories: [...categories] } : {}),
  }
  const below = resource.subresources.map(name => ({
    name: `${plural}/${name}`,
    singularName: '',
    namespaced,
    kind: name === 'scale' ? 'Scale' : kind,
    ...(name === 'scale' ? { group: 'autoscaling', version: 'v1' } : {}),
    verbs: SUBRESOURCE_VERBS,
  }))
  return [own, ...below]
}

/** apidiscovery.k8s.io/v2: everything in one document. */
function aggregated(all: readonly Resource[]): JsonObject {
  const groups = [...new Set(all.map(one => one.group))]
  const items: Json[] = groups.map(group => ({
    metadata: group ? { name: group } : {},
    versions: versionsOf(all, group).map(version => ({
      version,
      freshness: 'Current',
      resources: all
        .filter(one => one.group === group && one.version === version)
        .map(aggregatedEntry),
    })),
  }))
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items,
  }
}

function aggregatedEntry(resource: Resource): JsonObject {
  const { group, version, kind, plural, singular, namespaced, shortNames, categories } = resource
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs: verbsOf(),
    ...(shortNames.length > 0 ? { shortNames: [...shortNames] } : {}),
    ...(categories.length > 0 ? { categories: [...categories] } : {}),
    ...(resource.subresources.length > 0
      ? {
          subresources: resource.subresources.map(name => ({
            subresource: name,
            responseKind:
              name === 'scale'
                ? { group: 'autoscaling', version: 'v1', kind: 'Scale' }
                : { group, version, kind },
            verbs: SUBRESOURCE_VERBS,
          })),
        }
      : {}),
  }
}
