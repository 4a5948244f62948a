/**
 * A fuzz of the configuration from many sides at once: writers put nonsense and sense into the API server while two watchers
 * judge it. Whatever comes of it in the end is in force or refused on its object; nobody crashes, and nothing is silent.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { configure } from '../../functions/configure/configure.ts'
import { projectConfiguration } from '../../functions/watch/project.ts'
import { readCrds } from '../../infra/deploy/manifests.ts'
import { stateOf } from '../../infra/redis/state.ts'
import type { Json, JsonObject } from '../../infra/sandbox/apiserver/object.ts'
import type { ApiServer } from '../../infra/sandbox/apiserver/server.ts'
import { advertisementSpec, poolAnnotations, poolSpec, yaml } from '../functions/configure/fuzz.ts'
import { apiServer } from '../support/apiserver.ts'
import { needs } from '../support/capabilities.ts'
import { eventsOf } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { herald } from '../support/herald.ts'
import { privateRedis } from '../support/redis.ts'
import { undoing } from '../support/undo.ts'

const WRITES = Number(process.env.HERALD_FUZZ_RUNS ?? 300)
const SEED = Number(process.env.HERALD_SEED ?? Math.floor(Math.random() * 2 ** 31))
const WRITERS = 4
const HOME = 'metallb-system'

/** One object as somebody would have it; null: deleted. */
interface Writing {
  readonly resource: string
  readonly name: string
  readonly body: JsonObject | null
  readonly annotations: Readonly<Record<string, string>>
}

const KINDS = {
  'ipaddresspools.metallb.io': 'IPAddressPool',
  'l2advertisements.metallb.io': 'L2Advertisement',
  configmaps: 'ConfigMap',
} as const

const names = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const pools = fc.record<Writing>({
  resource: fc.constant('ipaddresspools.metallb.io'),
  name: names,
  body: fc.option(
    poolSpec.map(spec => ({ spec: spec as Json })),
    { freq: 6 },
  ),
  annotations: poolAnnotations,
})
const advertisements = fc.record<Writing>({
  resource: fc.constant('l2advertisements.metallb.io'),
  name: names,
  body: fc.option(
    advertisementSpec.map(spec => ({ spec: spec as Json })),
    { freq: 6 },
  ),
  annotations: fc.constant({}),
})
const maps = fc.record<Writing>({
  resource: fc.constant('configmaps'),
  name: fc.constant('config'),
  body: fc.option(
    yaml.map(config => ({ data: { config } })),
    { freq: 3 },
  ),
  annotations: poolAnnotations,
})

function write({ store }: ApiServer, { resource, name, body, annotations }: Writing): void {
  const there = store.get(resource, HOME, name)
  if (body === null) {
    if (there) store.delete(resource, HOME, name)
    return
  }
  const kind = KINDS[resource as keyof typeof KINDS]
  const apiVersion = kind === 'ConfigMap' ? 'v1' : 'metallb.io/v1beta1'
  const metadata = { ...there?.metadata, namespace: HOME, name, annotations: { ...annotations } }
  const object = { apiVersion, kind, ...JSON.parse(JSON.stringify(body)), metadata }
  if (there) store.update(resource, object)
  else store.create(resource, object)
}

/** Many hands, each with its share, all at once. */
async function writeAll(server: ApiServer, writings: readonly Writing[]): Promise<void> {
  const hands = Array.from({ length: WRITERS }, async (_, hand) => {
    for (let i = hand; i < writings.length; i += WRITERS) {
      const one = writings[i]
      if (one) write(server, one)
      await turn()
    }
  })
  await Promise.all(hands)
}

const present = ({ store }: ApiServer) =>
  Object.entries(KINDS).flatMap(([resource, kind]) =>
    store
      .list(resource, HOME)
      .filter(one => kind !== 'ConfigMap' || one.metadata.name === 'config')
      .map(one => projectConfiguration(kind, one)),
  )

describe('configuration under fire', needs('redis'), () => {
  test('whatever is written by whomever, in the end it is in force or refused on its object', async scope => {
    const t = undoing(scope)
    scope.diagnostic(`HERALD_SEED=${SEED} HERALD_FUZZ_RUNS=${WRITES}`)
    const redis = await privateRedis(t)
    const server = await apiServer(t)
    for (const crd of readCrds()) {
      server.store.create('customresourcedefinitions.apiextensions.k8s.io', crd)
    }
    server.store.create('namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: HOME },
    })
    const settings = { redisUrl: `unix://${redis.path}`, kubeconfig: server.kubeconfigPath }
    const { start } = herald(t, settings)
    const watchers = await Promise.all([start('watcher'), start('watcher')])
    const state = stateOf(redis.connect(), '{herald}')

    const settled = () =>
      eventually(async () => {
        const inForce = (await state.configuration('default'))?.configuration ?? null
        const { configuration, faults } = configure(present(server), inForce)
        assert.deepEqual(inForce, JSON.parse(JSON.stringify(configuration)))
        for (const { kind, name, mistakes } of faults) {
          const said = eventsOf(server, name).some(event => event.includes(mistakes.slice(0, 300)))
          assert.ok(said, `nothing was said of ${kind} ${name}: ${mistakes}`)
        }
      }, 60_000)

    const sample = (what: fc.Arbitrary<Writing>, seed: number) =>
      fc.sample(what, { numRuns: WRITES, seed })
    const phases = [fc.oneof(pools, advertisements), maps, fc.oneof(pools, advertisements, maps)]
    for (const [phase, what] of phases.entries()) {
      for (const [resource] of Object.entries(KINDS)) {
        for (const { metadata } of server.store.list(resource, HOME)) {
          if (resource !== 'configmaps' || metadata.name === 'config') {
            server.store.delete(resource, HOME, metadata.name)
          }
        }
      }
      await writeAll(server, sample(what, SEED + phase))
      await settled()
    }
    for (const watcher of watchers) {
      // One adopts, and the other learns that a second later.
      await eventually(async () => {
        const lacks = Object.values(await watcher.ready()).filter(lack => lack !== null)
        assert.deepEqual(lacks, [])
      })
    }
  })
})
