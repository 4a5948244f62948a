/** CONFIGURE.md: its examples are accepted, do what their comments say, and leave nothing out. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { readCrds } from '../../../infra/deploy/manifests.ts'
import type { ApiObject } from '../../../infra/sandbox/apiserver/object.ts'
import { ask, say } from '../../support/admission.ts'
import { needs } from '../../support/capabilities.ts'
import { eventually } from '../../support/eventually.ts'
import { kubectl, kubectlApply } from '../../support/kubectl.ts'
import { objectsOf } from '../../support/manifests.ts'
import { renewLease } from '../../support/nodes.ts'
import { undoing } from '../../support/undo.ts'
import { type Watched, watched } from '../../support/watching.ts'

const PAGE = readFileSync(new URL('../../../infra/deploy/CONFIGURE.md', import.meta.url), 'utf8')
const BLOCKS = [...PAGE.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text ?? '')
const isOld = (block: string): boolean => block.includes('kind: ConfigMap')
const OBJECTS = BLOCKS.flatMap(objectsOf)
const LIMIT_MS = 30_000

interface Example {
  readonly namespace: string
  readonly name: string
  /** What stands behind it: "gets …" or "waits: …". */
  readonly says: string
}

const examplesOf = (block: string): Example[] =>
  block.split(/^---$/m).flatMap(text => {
    const [object] = objectsOf(text)
    if (object?.kind !== 'Service') return []
    const { namespace = 'default', name } = object.metadata
    return [{ namespace, name, says: /^# (.*)$/m.exec(text)?.[1] ?? '' }]
  })

/** Where announcers are, and what is known of them. */
const NODES = {
  'node-a': { rack: 'a', old: 'yes' },
  'node-b': { rack: 'b', uplink: 'fast' },
  'node-c': { rack: 'elsewhere', uplink: 'fast' },
}

describe('the examples of CONFIGURE.md', needs('redis', 'kubectl'), () => {
  const scope = undoing({ after })
  let herald: Watched
  const run = (...args: string[]) => kubectl(herald.api.kubeconfigPath, ...args)
  const put = (object: object) => kubectlApply(herald.api.kubeconfigPath, JSON.stringify(object))

  before(async () => {
    herald = await watched(scope)
    await herald.startBoth()
    for (const [name, labels] of Object.entries(NODES)) {
      await put({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels } })
    }
    for (const node of Object.keys(NODES)) await renewLease(herald, node)
  })

  /** Pods on every node, so that any may announce it. */
  const serve = ({ namespace, name }: Example) =>
    put({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { namespace, name, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: Object.keys(NODES).map(nodeName => ({ addresses: ['10.244.0.9'], nodeName })),
      ports: [],
    })

  /** In the words of the page. */
  async function become({ namespace, name }: Example): Promise<string> {
    const service = JSON.parse(await run('get', 'service', name, '-n', namespace, '-o', 'json'))
    const addresses: string[] = (service.status.loadBalancer?.ingress ?? []).map(
      (one: { ip: string }) => one.ip,
    )
    if (addresses.length === 0) return `waits: ${service.status.conditions?.[0]?.message}`
    const { owner } = (await herald.state.placement('default', addresses[0] ?? '')) ?? {}
    const where = owner?.interfaces ? ` on ${owner.interfaces}` : ''
    return `gets ${addresses.join(', ')}${owner ? `, announced by ${owner.node}${where}` : ''}`
  }

  async function holds(example: Example): Promise<void> {
    const is = await become(example)
    const { name, says } = example
    const [, reason] = /^waits: (.*)/.exec(says) ?? []
    const so = reason
      ? is.startsWith('waits') && is.includes(reason)
      : `${is},`.startsWith(`${says},`)
    assert.ok(so, `${name} ${says}? It ${is}`)
  }

  for (const [at, block] of BLOCKS.entries()) {
    if (isOld(block)) continue
    const examples = examplesOf(block)
    const what = objectsOf(block).map(one => one.metadata.name)
    test(`${at + 1}: ${what.join(', ')}`, async () => {
      await kubectlApply(herald.api.kubeconfigPath, block)
      for (const example of examples) await serve(example)
      for (const example of examples) await eventually(() => holds(example), LIMIT_MS)
    })
  }

  test('all of them are in force together, and stay as they were', async () => {
    const state = JSON.parse(
      await run('get', 'configurationstates', 'controller', '-n', 'metallb-system', '-o', 'json'),
    )
    assert.equal(state.status.result, 'Valid', JSON.stringify(state.status))
    for (const example of BLOCKS.flatMap(examplesOf)) {
      assert.match(example.says, /^(gets|waits: )/, `${example.name} says what becomes of it`)
      await holds(example)
    }
  })

  test('an address rests for as long as its pool says, and stays reserved for as long as its Service says', async () => {
    await run('delete', 'service', 'web', 'shifty')
    const left = async (address: string) => {
      const { after: rest } = (await herald.state.addressRecord(address)) ?? {}
      assert.ok(rest, `${address} rests`)
      return { minutes: Math.ceil((rest.untilMs - Date.now()) / 60_000), reserved: rest.reserved }
    }
    await eventually(async () => {
      assert.deepEqual(await left('192.0.2.10'), { minutes: 5, reserved: false })
      assert.deepEqual(await left('192.0.2.12'), { minutes: 24 * 60, reserved: true })
    }, LIMIT_MS)
  })

  test('the ConfigMap, once the objects are gone', async () => {
    await run('delete', '-n', 'metallb-system', 'ipaddresspools,l2advertisements', '--all')
    for (const block of BLOCKS.filter(isOld)) await kubectlApply(herald.api.kubeconfigPath, block)
    await eventually(async () => {
      const configured = await herald.state.configuration('default')
      const pools = configured?.configuration.pools.map(one => [one.name, one.avoidBuggyIPs])
      assert.deepEqual(pools, [['my-ip-space', true]])
    }, LIMIT_MS)
  })
})

test('admission has nothing against any object of CONFIGURE.md', () => {
  const ours = OBJECTS.filter(one => one.apiVersion.startsWith('metallb.io/'))
  for (const one of ours) {
    const rest = ours.filter(other => other !== one)
    const others = Object.fromEntries(
      rest.map(({ kind }) => [kind, rest.filter(other => other.kind === kind)]),
    )
    const { kind, metadata } = one
    assert.equal(say(ask(kind, one.spec, { name: metadata.name, object: one }), others), null)
  }
})

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
}

/** "spec.serviceAllocation.namespaces": every field that has none within; an expression of a selector counts as one. */
const fieldsOf = ({ properties, items }: Schema, path: string): string[] => {
  if (path.endsWith('.matchExpressions')) return [path]
  if (items) return fieldsOf(items, path)
  const within = Object.entries(properties ?? {})
  return within.length === 0
    ? [path]
    : within.flatMap(([name, field]) => fieldsOf(field, `${path}.${name}`))
}

const uses = (value: unknown, path: readonly string[]): boolean => {
  if (Array.isArray(value)) return value.some(one => uses(one, path))
  const [name = '', ...rest] = path
  if (path.length === 0) return value !== undefined
  return typeof value === 'object' && value !== null && uses(Reflect.get(value, name), rest)
}

/** Of each kind that users write, in the version that is stored. */
const written = readCrds().flatMap(crd => {
  const { names, versions } = crd.spec as unknown as {
    names: { kind: string }
    versions: { storage: boolean; schema: { openAPIV3Schema: Schema } }[]
  }
  const schema = versions.find(one => one.storage)?.schema.openAPIV3Schema.properties?.spec
  return schema?.properties ? [{ kind: names.kind, fields: fieldsOf(schema, 'spec') }] : []
})

for (const { kind, fields } of written) {
  test(`every field of ${kind} stands in an example`, () => {
    const examples = OBJECTS.filter(one => one.kind === kind)
    const missing = fields.filter(field => !examples.some(one => uses(one, field.split('.'))))
    assert.deepEqual(missing, [])
  })
}

test('every annotation that functions/ read stands in an example', () => {
  const folder = new URL('../../../functions/', import.meta.url)
  const sources = readdirSync(folder, { recursive: true })
    .filter(path => String(path).endsWith('.ts'))
    .map(path => readFileSync(new URL(String(path), folder), 'utf8'))
  const read = sources.flatMap(text => [
    ...[...text.matchAll(/\bannotation\(\w+, '(\S+)'\)/g)].map(([, name]) => `metallb.io/${name}`),
    ...[...text.matchAll(/_ANNOTATION = '(\S+)'/g)].map(([, name]) => name ?? ''),
  ])
  assert.ok(read.length > 6, read.join())
  const annotated = (one: ApiObject) => Object.keys(one.metadata.annotations ?? {})
  const shown = new Set(OBJECTS.flatMap(annotated))
  const itWrites = 'metallb.io/ip-allocated-from-pool'
  const missing = read.filter(name => !shown.has(name) && name !== itWrites)
  assert.deepEqual(missing, [])
})
