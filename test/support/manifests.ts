/** What of rendered manifests the tests look at. */
import { parseAllDocuments } from 'yaml'
import type { ApiObject } from '../../infra/sandbox/apiserver/object.ts'

export interface Container {
  readonly name: string
  readonly args?: readonly string[]
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly env?: readonly { readonly name: string; readonly value?: string }[]
  readonly securityContext?: {
    readonly allowPrivilegeEscalation?: boolean
    readonly readOnlyRootFilesystem?: boolean
    readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] }
  }
  readonly resources?: Readonly<Record<'requests' | 'limits', Readonly<Record<string, string>>>>
  readonly livenessProbe?: object
  readonly readinessProbe?: object
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
}

export interface PodSpec {
  readonly containers: readonly Container[]
  readonly serviceAccountName?: string
  readonly automountServiceAccountToken?: boolean
  readonly hostNetwork?: boolean
  readonly dnsPolicy?: string
  readonly priorityClassName?: string
  readonly terminationGracePeriodSeconds?: number
  readonly tolerations?: readonly { readonly key?: string }[]
  readonly securityContext?: {
    readonly runAsNonRoot?: boolean
    readonly seccompProfile?: { readonly type: string }
  }
  readonly volumes?: readonly {
    readonly name: string
    readonly hostPath?: object
    readonly configMap?: { readonly name: string }
    readonly secret?: {
      readonly secretName: string
      readonly items?: readonly { readonly key: string; readonly path: string }[]
    }
    readonly projected?: {
      readonly sources: readonly { readonly secret: { readonly name: string } }[]
    }
  }[]
}

export interface PodTemplate {
  readonly kind: string
  readonly name: string
  readonly selector: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly spec: PodSpec
}

interface Workload {
  readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> }
  readonly template?: {
    readonly metadata: { readonly labels: Readonly<Record<string, string>> }
    readonly spec: PodSpec
  }
}

/** The objects of a YAML text. Throws what the parser complains of. */
export function objectsOf(text: string): ApiObject[] {
  return parseAllDocuments(text).flatMap(document => {
    if (document.errors[0]) throw document.errors[0]
    const object: ApiObject | null = document.toJS()
    return object ? [object] : []
  })
}

/** The pods that Deployments, StatefulSets, DaemonSets and Jobs would make. */
export function podsOf(objects: readonly ApiObject[]): PodTemplate[] {
  return objects.flatMap(object => {
    const { template, selector } = (object.spec ?? {}) as Workload
    if (!template) return []
    return [
      {
        kind: object.kind,
        name: object.metadata.name,
        selector: selector?.matchLabels ?? {},
        labels: template.metadata.labels,
        spec: template.spec,
      },
    ]
  })
}

export interface ServiceObject {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly clusterIP?: string
    readonly selector: Readonly<Record<string, string>>
    /** By name or number. */
    readonly ports: readonly { readonly name: string; readonly targetPort: string | number }[]
  }
}

export const servicesOf = (objects: readonly ApiObject[]): ServiceObject[] =>
  objects.filter(one => one.kind === 'Service') as unknown as ServiceObject[]
