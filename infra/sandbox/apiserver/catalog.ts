import { EVENTS_V1 } from './events.ts'
import { textAt } from './object.ts'
import { apiVersionOf, type Resource, resource } from './resources.ts'

/** All resources served: the built-in ones, and those that CustomResourceDefinitions add and remove. */
export class Catalog {
  readonly #served = new Map<string, Resource>()

  constructor() {
    for (const builtin of builtins()) this.add(builtin)
  }

  add(served: Resource): void {
    this.#served.set(`${apiVersionOf(served)}/${served.plural}`, served)
  }

  remove(served: Resource): void {
    this.#served.delete(`${apiVersionOf(served)}/${served.plural}`)
  }

  /** By apiVersion ("v1", "apps/v1") and plural name. */
  find(apiVersion: string, plural: string): Resource | null {
    return this.#served.get(`${apiVersion}/${plural}`) ?? null
  }

  /** By the name of the storage, as in-process callers say it: "services", "endpointslices.discovery.k8s.io". */
  named(storage: string): Resource {
    for (const served of this.#served.values()) if (served.storage === storage) return served
    throw new Error(`no resource is called ${storage}: use plural or plural.group`)
  }

  all(): Resource[] {
    return [...this.#served.values()]
  }
}

const status = { subresources: ['status'] }
const workload = { subresources: ['status', 'scale'], generation: true, categories: ['all'] }
const cluster = { namespaced: false }

function builtins(): Resource[] {
  return [...core(), ...workloads(), ...policies()]
}

function core(): Resource[] {
  return [
    resource('v1', 'namespaces', 'Namespace', {
      ...cluster,
      shortNames: ['ns'],
      ...status,
      selectable: ['status.phase'],
    }),
    resource('v1', 'services', 'Service', {
      ...status,
      shortNames: ['svc'],
      categories: ['all'],
      createOnUpdate: true,
      returnsDeleted: true,
      selectable: ['spec.clusterIP', 'spec.type'],
    }),
    resource('v1', 'nodes', 'Node', {
      ...cluster,
      ...status,
      shortNames: ['no'],
      selectable: {
        'spec.unschedulable': node => textAt(node, 'spec', 'unschedulable') || 'false',
      },
    }),
    resource('v1', 'configmaps', 'ConfigMap', { shortNames: ['cm'] }),
    resource('v1', 'secrets', 'Secret', { selectable: ['type'] }),
    resource('v1', 'serviceaccounts', 'ServiceAccount', {
      shortNames: ['sa'],
      returnsDeleted: true,
    }),
    resource('v1', 'pods', 'Pod', {
      ...status,
      shortNames: ['po'],
      categories: ['all'],
      returnsDeleted: true,
      generation: true,
      selectable: [
        'spec.nodeName',
        'spec.restartPolicy',
        'spec.schedulerName',
        'spec.serviceAccountName',
        'spec.hostNetwork',
        'status.phase',
        'status.podIP',
        'status.nominatedNodeName',
      ],
    }),
    resource('v1', 'endpoints', 'Endpoints', { shortNames: ['ep'], createOnUpdate: true }),
    resource('v1', 'events', 'Event', {
      model: 'CoreV1Event',
      shortNames: ['ev'],
      createOnUpdate: true,
      selectable: CORE_EVENT_FIELDS,
    }),
    resource('events.k8s.io/v1', 'events', 'Event', {
      model: 'EventsV1Event',
      storage: 'events',
      shortNames: ['ev'],
      createOnUpdate: true,
      ...EVENTS_V1,
    }),
    resource('discovery.k8s.io/v1', 'endpointslices', 'EndpointSlice', { generation: true }),
  ]
}

const CORE_EVENT_FIELDS: Resource['selectable'] = {
  ...Object.fromEntries(
    ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(part => [
      `involvedObject.${part}`,
      event => textAt(event, 'involvedObject', part),
    ]),
  ),
  reason: event => textAt(event, 'reason'),
  type: event => textAt(event, 'type'),
  reportingComponent: event => textAt(event, 'reportingComponent'),
  source: event => textAt(event, 'source', 'component') || textAt(event, 'reportingComponent'),
}

function workloads(): Resource[] {
  return [
    resource('apps/v1', 'deployments', 'Deployment', { ...workload, shortNames: ['deploy'] }),
    resource('apps/v1', 'replicasets', 'ReplicaSet', {
      ...workload,
      shortNames: ['rs'],
      selectable: ['status.replicas'],
    }),
    resource('apps/v1', 'statefulsets', 'StatefulSet', { ...workload, shortNames: ['sts'] }),
    resource('apps/v1', 'daemonsets', 'DaemonSet', { ...workload, ...status, shortNames: ['ds'] }),
    resource('batch/v1', 'jobs', 'Job', { ...status, generation: true, categories: ['all'] }),
    resource('coordination.k8s.io/v1', 'leases', 'Lease', {
      createOnUpdate: true,
      unconditionalUpdate: false,
    }),
  ]
}

const RBAC = 'rbac.authorization.k8s.io/v1'
const CRDS = 'apiextensions.k8s.io/v1'

function policies(): Resource[] {
  return [
    resource(RBAC, 'roles', 'Role', { createOnUpdate: true }),
    resource(RBAC, 'rolebindings', 'RoleBinding', { createOnUpdate: true }),
    resource(RBAC, 'clusterroles', 'ClusterRole', { ...cluster, createOnUpdate: true }),
    resource(RBAC, 'clusterrolebindings', 'ClusterRoleBinding', {
      ...cluster,
      createOnUpdate: true,
    }),
    resource('policy/v1', 'poddisruptionbudgets', 'PodDisruptionBudget', {
      ...status,
      generation: true,
      shortNames: ['pdb'],
      unconditionalUpdate: false,
    }),
    resource('networking.k8s.io/v1', 'networkpolicies', 'NetworkPolicy', {
      generation: true,
      shortNames: ['netpol'],
    }),
    resource(
      'admissionregistration.k8s.io/v1',
      'validatingwebhookconfigurations',
      'ValidatingWebhookConfiguration',
      { ...cluster, generation: true },
    ),
    resource(CRDS, 'customresourcedefinitions', 'CustomResourceDefinition', {
      ...cluster,
      ...status,
      generation: true,
      unconditionalUpdate: false,
      shortNames: ['crd', 'crds'],
      categories: ['api-extensions'],
    }),
  ]
}
