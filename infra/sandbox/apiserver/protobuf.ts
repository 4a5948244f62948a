/**
 * Bodies in application/vnd.kubernetes.protobuf, which `kubectl create namespace`, `create deployment`, `create configmap` and
 * their like send whatever the server says it understands. Reads what they write, and no more; answers are always JSON.
 * Format: protobuf.dev/programming-guides/encoding, behind the envelope of k8s.io/apimachinery/pkg/runtime (Unknown).
 */
import { ApiError } from './api-error.ts'
import { isObject, type Json, type JsonObject } from './object.ts'
import { modelSchema, REFERENCE, type Schema } from './schema.ts'

const MAGIC = Buffer.from('k8s\0')

/** The object in an envelope. 415 for a kind or a field that is not in the tables below. */
export function fromProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) throw unsupported('the envelope')
  const envelope = new Map(fieldsOf(body.subarray(MAGIC.length)))
  const typeMeta = new Map(fieldsOf(octets(envelope.get(1))))
  const apiVersion = octets(typeMeta.get(1)).toString()
  const kind = octets(typeMeta.get(2)).toString()
  const model = `V1${kind}`
  if (!FIELDS[model]) throw unsupported(`${kind} of ${apiVersion}`)
  return { apiVersion, kind, ...message(model, octets(envelope.get(2))) }
}

type Value = number | Buffer

function message(model: string, body: Buffer): JsonObject {
  const result: JsonObject = {}
  const properties = modelSchema(model).properties ?? {}
  for (const [number, value] of fieldsOf(body)) {
    const field = FIELDS[model]?.[number]
    const type = field ? properties[field] : undefined
    if (field && type) add(result, field, value, type)
    else if (!isEmpty(value)) throw unsupported(`field ${number} of ${model.slice(2)}`)
  }
  return result
}

/** Clients write out fields that say nothing: numbers of 0, empty texts and messages. */
const isEmpty = (value: Value) => (typeof value === 'number' ? value === 0 : value.length === 0)

function add(result: JsonObject, field: string, value: Value, type: Schema): void {
  const had = result[field]
  if (type.type === 'array') {
    result[field] = [...(Array.isArray(had) ? had : []), single(value, type.items ?? {})]
  } else if (typeof type.additionalProperties === 'object') {
    const entry = new Map(fieldsOf(octets(value)))
    const name = octets(entry.get(1)).toString()
    const item = single(entry.get(2) ?? Buffer.alloc(0), type.additionalProperties)
    result[field] = { ...(isObject(had) ? had : {}), [name]: item }
  } else if (!isEmpty(value) || type.type === 'boolean' || type.$ref) {
    result[field] = single(value, type)
  }
}

function single(value: Value, type: Schema): Json {
  if (type.$ref) return message(type.$ref.slice(REFERENCE.length), octets(value))
  if (type['x-kubernetes-int-or-string']) {
    const parts = new Map(fieldsOf(octets(value)))
    return Number(parts.get(1) ?? 0) === 1 ? octets(parts.get(3)).toString() : Number(parts.get(2))
  }
  if (type.type === 'boolean') return value === 1
  if (type.type === 'integer') return Number(value)
  return octets(value).toString(type.format === 'byte' ? 'base64' : 'utf8')
}

/** Numbers and values of a message's fields, in their order. */
function* fieldsOf(body: Buffer): Generator<[number, Value]> {
  let at = 0
  const varint = () => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const octet = body[at++] ?? 0
      value += (octet & 0x7f) * scale
      if (octet < 0x80) return value
    }
  }
  while (at < body.length) {
    const tag = varint()
    if (tag % 8 === 0) yield [Math.floor(tag / 8), varint()]
    else if (tag % 8 === 2) {
      const length = varint()
      yield [Math.floor(tag / 8), body.subarray(at, at + length)]
      at += length
    } else throw unsupported(`wire type ${tag % 8}`)
  }
}

const octets = (value: Value | undefined) => (Buffer.isBuffer(value) ? value : Buffer.alloc(0))

function unsupported(what: string): ApiError {
  const message = `the sandbox does not read ${what} in protobuf: send JSON (kubectl apply and create -f do)`
  return new ApiError(415, 'UnsupportedMediaType', message)
}

const object = { 1: 'metadata', 2: 'spec', 3: 'status' }

/** Field numbers, from the generated.proto files of k8s.io/api and k8s.io/apimachinery. */
const FIELDS: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  V1ObjectMeta: { 1: 'name', 2: 'generateName', 3: 'namespace', 11: 'labels', 12: 'annotations' },
  V1LabelSelector: { 1: 'matchLabels' },
  V1Namespace: object,
  V1NamespaceSpec: {},
  V1NamespaceStatus: {},
  V1ConfigMap: { 1: 'metadata', 2: 'data', 3: 'binaryData', 4: 'immutable' },
  V1Secret: { 1: 'metadata', 2: 'data', 3: 'type', 4: 'stringData', 5: 'immutable' },
  V1ServiceAccount: { 1: 'metadata' },
  V1Service: object,
  V1ServiceSpec: {
    1: 'ports',
    2: 'selector',
    3: 'clusterIP',
    4: 'type',
    5: 'externalIPs',
    7: 'sessionAffinity',
    8: 'loadBalancerIP',
    9: 'loadBalancerSourceRanges',
    10: 'externalName',
  },
  V1ServicePort: { 1: 'name', 2: 'protocol', 3: 'port', 4: 'targetPort', 5: 'nodePort' },
  V1ServiceStatus: { 1: 'loadBalancer' },
  V1LoadBalancerStatus: {},
  V1Deployment: object,
  V1DeploymentSpec: { 1: 'replicas', 2: 'selector', 3: 'template', 4: 'strategy' },
  V1DeploymentStrategy: {},
  V1DeploymentStatus: {},
  V1PodTemplateSpec: { 1: 'metadata', 2: 'spec' },
  V1PodSpec: { 2: 'containers' },
  V1Container: { 1: 'name', 2: 'image', 3: 'command', 4: 'args', 6: 'ports', 8: 'resources' },
  V1ContainerPort: { 1: 'name', 3: 'containerPort', 4: 'protocol' },
  V1ResourceRequirements: {},
  V1DeleteOptions: { 2: 'preconditions', 4: 'propagationPolicy', 5: 'dryRun' },
  V1Preconditions: { 1: 'uid', 2: 'resourceVersion' },
  V1SelfSubjectAccessReview: object,
  V1SelfSubjectAccessReviewSpec: { 1: 'resourceAttributes', 2: 'nonResourceAttributes' },
  V1SubjectAccessReviewStatus: {},
  V1ResourceAttributes: {
    1: 'namespace',
    2: 'verb',
    3: 'group',
    4: 'version',
    5: 'resource',
    6: 'subresource',
    7: 'name',
  },
  V1NonResourceAttributes: { 1: 'path', 2: 'verb' },
}
