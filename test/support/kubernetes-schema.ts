/** Kubernetes' own OpenAPI schemas (and those of KEDA and the Prometheus operator), as npm packages bring them. */
import type { ApiObject } from '../../infra/sandbox/apiserver/object.ts'

interface Model {
  validate(): void
}

const HOMES: readonly (readonly [group: RegExp, home: string])[] = [
  [/^keda\.sh\//, '@kubernetes-models/keda/'],
  [/^monitoring\.coreos\.com\//, '@kubernetes-models/prometheus-operator/'],
  [/(?:)/, 'kubernetes-models/'],
]

/** What the schema of its kind holds against an object, in words; null: nothing. Unknown fields pass. */
export async function schemaFault(object: ApiObject): Promise<string | null> {
  const { apiVersion, kind } = object
  const home = HOMES.find(([group]) => group.test(apiVersion))?.[1] ?? ''
  const models: Record<string, new (object: ApiObject) => Model> = await import(home + apiVersion)
  const Model = models[kind]
  if (!Model) return `no schema for ${kind} of ${apiVersion}`
  try {
    new Model(object).validate()
    return null
  } catch (error) {
    return `${kind} ${object.metadata.name}: ${error instanceof Error ? error.message : error}`
  }
}
