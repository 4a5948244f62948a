import { type ApiObject, isObject, type Json, type JsonObject, listAt, objectAt } from './object.ts'
import type { Strategy } from './registry.ts'

/** Defaults of workloads and pods that clients look for (k8s.io/kubernetes/pkg/apis/apps/v1/defaults.go). */
export const deploymentStrategy: Strategy = {
  prepare(next, old) {
    const spec = own(next, 'spec')
    spec.replicas ??= 1
    spec.revisionHistoryLimit ??= 10
    spec.progressDeadlineSeconds ??= 600
    const strategy = own(spec, 'strategy')
    strategy.type ??= 'RollingUpdate'
    if (strategy.type === 'RollingUpdate') {
      strategy.rollingUpdate ??= { maxUnavailable: '25%', maxSurge: '25%' }
    }
    defaultPod(own(own(spec, 'template'), 'spec'))
    if (!old) next.status = {}
  },
}

export const podStrategy: Strategy = {
  prepare(next, old) {
    defaultPod(own(next, 'spec'))
    if (!old) next.status = { phase: 'Pending', qosClass: 'BestEffort' }
  },
}

/** EndpointSlices and Endpoints: a port's protocol is TCP unless it says otherwise. */
export const endpointSliceStrategy: Strategy = {
  prepare(next) {
    for (const port of listAt(next, 'ports')) {
      if (!isObject(port)) continue
      port.name ??= ''
      port.protocol ??= 'TCP'
    }
  },
}

function own(object: ApiObject | JsonObject, field: string): JsonObject {
  if (!isObject(object[field])) object[field] = {}
  return objectAt(object, field)
}

function defaultPod(spec: JsonObject): void {
  spec.restartPolicy ??= 'Always'
  spec.dnsPolicy ??= 'ClusterFirst'
  spec.schedulerName ??= 'default-scheduler'
  spec.terminationGracePeriodSeconds ??= 30
  spec.securityContext ??= {}
  for (const container of listAt(spec, 'containers')) {
    if (isObject(container)) defaultContainer(container)
  }
}

function defaultContainer(container: JsonObject): void {
  const image: Json | undefined = container.image
  const latest = typeof image === 'string' && (/:latest$/.test(image) || !/:[^/]+$/.test(image))
  container.imagePullPolicy ??= latest ? 'Always' : 'IfNotPresent'
  container.terminationMessagePath ??= '/dev/termination-log'
  container.terminationMessagePolicy ??= 'File'
  container.resources ??= {}
  for (const port of listAt(container, 'ports')) if (isObject(port)) port.protocol ??= 'TCP'
}
