/** The chart, rendered by a real helm and held to Kubernetes' own schemas. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { parse } from 'yaml'
import { CHART, helm, renderChart } from '../../../infra/deploy/helm.ts'
import { readRbac } from '../../../infra/deploy/manifests.ts'
import type { ApiObject } from '../../../infra/sandbox/apiserver/object.ts'
import { needs } from '../../support/capabilities.ts'
import { variablesOf } from '../../support/kubelet.ts'
import { schemaFault } from '../../support/kubernetes-schema.ts'
import {
  type Container,
  objectsOf,
  type PodSpec,
  type PodTemplate,
  podsOf,
  servicesOf,
} from '../../support/manifests.ts'

const COMPONENT = 'app.kubernetes.io/component'

/** what it is, --set */
const MATRIX: readonly (readonly [string, readonly string[]])[] = [
  ['the defaults', []],
  ['the namespace too', ['namespace.create=true']],
  ['one of several clusters', ['cluster=a', 'clusters={a,b}', 'loadBalancerClass=herald.io/l2']],
  ['an external Redis', ['redis.external.secret=mine', 'redis.external.passwordKey=pw']],
  [
    'one with a user for each process',
    [
      ...['redis.external.secret=mine', 'redis.external.users=true'],
      ...['redis.external.caKey=ca.crt', 'keda.enabled=true', 'keda.address=a:6379'],
    ],
  ],
  ['one whose URL says all', ['redis.external.secret=mine', 'redis.external.urlKey=REDIS_URL']],
  [
    'Sentinel with TLS',
    [
      'redis.external.secret=mine',
      'redis.external.mode=sentinel',
      'redis.external.sentinelName=main',
      'redis.external.passwordKey=password',
      'redis.external.sentinelPasswordKey=sentinel',
      'redis.external.caKey=ca.crt',
    ],
  ],
  [
    'names that could be numbers',
    [
      'redis.external.secret=1e3',
      'redis.external.urlKey=0x1',
      'redis.external.mode=sentinel',
      'redis.external.passwordKey=1e3',
      'redis.external.sentinelPasswordKey=1e4',
      'redis.external.caKey=0x2',
      'keda.enabled=true',
      'keda.address=a:26379',
    ],
  ],
  ['a storage class that could be one', ['redis.bundled.storage.className=1e3']],
  ['a folder of any name', ['announcer.stateDir=/srv/a\\, b: #c']],
  ['Redis Cluster', ['redis.external.secret=mine', 'redis.external.mode=cluster']],
  ['admission', ['webhook.enabled=true']],
  ['KEDA', ['keda.enabled=true', 'keda.jobsPerReplica=10']],
  [
    'KEDA and Sentinel',
    [
      'keda.enabled=true',
      'keda.address=a:26379\\,b:26379',
      'redis.external.secret=mine',
      'redis.external.mode=sentinel',
      'redis.external.passwordKey=password',
    ],
  ],
  ['signed pool windows', ['signedWindows.enabled=true']],
  ['no console', ['console.enabled=false']],
  [
    'a console behind an ingress controller',
    ['console.allowFrom[0].namespaceSelector.matchLabels.a=ingress'],
  ],
  ['Prometheus', ['podMonitor.enabled=true', 'podMonitor.labels.release=prometheus']],
  [
    'monitors that are selected by a label of ours',
    ['podMonitor.enabled=true', 'podMonitor.labels.app\\.kubernetes\\.io/instance=a'],
  ],
  ['alerts', ['prometheusRule.enabled=true', 'prometheusRule.labels.release=prometheus']],
  ['Prometheus by Services', ['serviceMonitor.enabled=true', 'serviceMonitor.labels.release=a']],
  ['Secrets of one’s own, no policies', ['secrets.create=false', 'networkPolicy.enabled=false']],
  ['a private registry', ['image.repository=r.example/herald', 'image.pullSecrets[0].name=r']],
  ['traces', ['tracing.endpoint=http://collector.observability:4318']],
  ['no IPv4', ['listenAddress=[::]', 'networkPolicy.nodeCIDRs={2001:db8::/64}']],
  [
    'all at once',
    [
      'webhook.enabled=true',
      'keda.enabled=true',
      'podMonitor.enabled=true',
      'namespace.create=true',
    ],
  ],
]

/** what is wrong, --set, what helm says */
const REFUSED: readonly (readonly [string, readonly string[], RegExp])[] = [
  [
    'a value that there is not',
    ['redis.storage=1Gi'],
    /additional properties 'storage' not allowed/,
  ],
  ['a CPU limit', ['allocator.resources.limits.cpu=1'], /resources\/limits\/cpu/],
  ['a peer of nobody', ['console.allowFrom={all}'], /console\/allowFrom/],
  ['no replicas', ['allocator.replicas=0'], /allocator\/replicas/],
  ['a mode without its Redis', ['redis.external.mode=cluster'], /redis\/external\/mode/],
  ['users of no Redis', ['redis.external.users=true'], /redis\/external\/secret/],
  [
    'users and a password for all',
    ['redis.external.secret=a', 'redis.external.users=true', 'redis.external.passwordKey=b'],
    /redis\/external\/passwordKey/,
  ],
  ['a cool-down without unit', ['coolDown=60'], /coolDown/],
  ['a network that is none', ['networkPolicy.nodeCIDRs={nodes}'], /nodeCIDRs/],
  [
    'a pod scraped twice',
    ['podMonitor.enabled=true', 'serviceMonitor.enabled=true'],
    /enable one of them/,
  ],
  ['a collector without protocol', ['tracing.endpoint=collector:4318'], /tracing\/endpoint/],
  ['KEDA without address', ['keda.enabled=true', 'redis.external.secret=a'], /keda\.address/],
]

describe('the chart', needs('kubectl'), () => {
  test('passes helm lint, with nothing to complain of', async () => {
    const said = await helm('lint', '--strict', CHART)
    assert.match(said, /1 chart\(s\) linted, 0 chart\(s\) failed/)
    assert.doesNotMatch(said, /\[(WARNING|ERROR)\]/)
  })

  for (const [name, set] of MATRIX) {
    describe(name, () => {
      let objects: readonly ApiObject[] = []
      before(async () => {
        objects = objectsOf(await renderChart(set))
        assert.ok(objects.length > 10)
      })

      test('every object is what Kubernetes says its kind is', async () => {
        const faults = await Promise.all(objects.map(schemaFault))
        assert.deepEqual(faults.filter(Boolean), [])
      })

      test('pods are locked down', () => podsOf(objects).forEach(lockedDown))

      test('no secret stands in a command or a variable', () => {
        for (const { spec } of podsOf(objects)) spec.containers.forEach(holdsNoSecret)
      })

      test('what is selected is there', () => selectsWhatIsThere(objects))
    })
  }

  for (const [what, set, words] of REFUSED) {
    test(`${what} is refused`, () => assert.rejects(renderChart(set), words))
  }

  test('says the same each time: nothing in it is made up', async () => {
    assert.equal(await renderChart(), await renderChart())
  })

  test('gives processes the rights of rbac.yaml, these and no others', async () => {
    const rendered = objectsOf(await renderChart(['namespace.create=true']))
    for (const given of readRbac()) {
      const same = rendered.find(
        one => one.kind === given.kind && one.metadata.name === given.metadata.name,
      )
      assert.deepEqual({ ...same, metadata: null }, { ...given, metadata: null })
      assert.equal(same?.metadata.namespace, given.metadata.namespace)
    }
    const roles = rendered.filter(one => /Role/.test(one.kind)).map(one => one.metadata.name)
    assert.deepEqual(
      new Set(roles),
      new Set([
        ...readRbac()
          .filter(one => /Role/.test(one.kind))
          .map(one => one.metadata.name),
        'herald-secrets',
      ]),
    )
  })

  test('may be released under any name', async () => {
    const objects = objectsOf(await helm('template', '1e3', CHART))
    assert.deepEqual((await Promise.all(objects.map(schemaFault))).filter(Boolean), [])
  })

  test('runs in whatever namespace it is put into', async () => {
    const text = await helm(
      'template',
      'h',
      CHART,
      '--namespace',
      'lb',
      '--set',
      'webhook.enabled=true',
    )
    assert.doesNotMatch(text, /metallb-system/)
    for (const one of objectsOf(text)) {
      if (!/^(Cluster|Validating)/.test(one.kind))
        assert.equal(one.metadata.namespace, 'lb', one.kind)
    }
  })

  for (const [where, secret, set] of [
    ['the Redis that comes along', 'herald-redis-users', []],
    ['a Redis of one’s own', 'mine', ['redis.external.secret=mine', 'redis.external.users=true']],
  ] as const) {
    test(`in ${where} each process is a user, and gets the password of no other`, async () => {
      const pods = podsOf(
        objectsOf(await renderChart([...set, 'keda.enabled=true', 'keda.address=a:1'])),
      )
      const given = pods.flatMap(pod => {
        const { HERALD_REDIS_USERNAME: named, HERALD_REDIS_URL: url = '' } = variablesOf(pod.spec)
        const user = named ?? /\/\/(.*)@/.exec(url)?.[1]
        const volume = pod.spec.volumes?.find(one => one.name === 'redis')?.secret
        return user
          ? [[pod.name, user, volume?.secretName, volume?.items?.map(one => one.key)]]
          : []
      })
      const one = (name: string, ...more: string[]) => [name, name, secret, [name, ...more]]
      assert.deepEqual(given.sort(), [
        one('herald-allocator'),
        one('herald-announcer'),
        one('herald-console', 'herald-console-admin'),
        one('herald-watcher'),
      ])
    })
  }

  for (const monitor of ['podMonitor', 'serviceMonitor']) {
    test(`${monitor}: every process is found, and announcers listen to others than their node`, async () => {
      const objects = objectsOf(await renderChart([`${monitor}.enabled=true`]))
      const listening = podsOf(objects).filter(one => portsOf(one).includes('health'))
      const found = {
        podMonitor: listening.map(one => one.labels[COMPONENT]),
        serviceMonitor: servicesOf(objects)
          .filter(one => one.spec.clusterIP === 'None' && one.spec.ports[0]?.name === 'health')
          .map(one => one.spec.selector[COMPONENT]),
      }[monitor]
      assert.deepEqual(found?.sort(), ['allocator', 'announcer', 'console', 'watcher'])
      assert.doesNotMatch(JSON.stringify(listening), /127\.0\.0\.1/)
    })
  }

  test('prometheusRule has the alerts, as they are', async () => {
    const objects = objectsOf(await renderChart(['prometheusRule.enabled=true']))
    const rule = objects.find(one => one.kind === 'PrometheusRule')
    const written = readFileSync(join(CHART, '../monitoring/alerts.yaml'), 'utf8')
    assert.deepEqual(rule?.spec, parse(written))
  })

  for (const [endpoint, port] of [
    ['http://collector.observability:4318', 4318],
    ['https://traces.example/otlp', 443],
    ['http://[2001:db8::1]/', 80],
  ] as const) {
    test(`traces reach ${endpoint}, and only its port is opened for them`, async () => {
      const objects = objectsOf(await renderChart([`tracing.endpoint=${endpoint}`]))
      const policies = objects.filter(one => one.kind === 'NetworkPolicy')
      const opened = policies.filter(one => egressPorts(one).includes(port))
      const names = opened.map(one => one.metadata.name)
      assert.deepEqual(names, ['herald-watcher', 'herald-allocator', 'herald-console'])
    })
  }

  test('is packaged with the definitions themselves', () => packaged())
})

describe('the announcer', needs('kubectl'), () => {
  test('has one capability, its node’s network, and no token', async () => {
    const objects = objectsOf(await renderChart())
    const announcer = podsOf(objects).find(pod => pod.name === 'herald-announcer')
    const spec = announcer?.spec
    assert.equal(announcer?.kind, 'DaemonSet')
    assert.equal(spec?.hostNetwork, true)
    assert.equal(spec?.dnsPolicy, 'ClusterFirstWithHostNet')
    assert.equal(spec?.priorityClassName, 'system-node-critical')
    assert.equal(spec?.automountServiceAccountToken, false)
    assert.ok((spec?.terminationGracePeriodSeconds ?? 0) >= 10)
    const tolerated = (spec?.tolerations ?? []).map(one => one.key)
    assert.ok(tolerated.includes('node-role.kubernetes.io/control-plane'))
    const [container] = spec?.containers ?? []
    assert.deepEqual(container?.securityContext, {
      runAsUser: 0,
      runAsGroup: 0,
      runAsNonRoot: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['NET_RAW'] },
    })
    const state = spec?.volumes?.find(volume => volume.hostPath)
    assert.deepEqual(state?.hostPath, { path: '/var/lib/herald', type: 'DirectoryOrCreate' })
    assert.ok(container?.volumeMounts?.some(mount => mount.name === state?.name))
  })
})

function egressPorts(policy: ApiObject): unknown[] {
  const { egress = [] } = policy.spec as {
    egress?: { to?: unknown; ports?: { port: unknown }[] }[]
  }
  return egress.filter(one => !one.to).flatMap(one => one.ports?.map(({ port }) => port) ?? [])
}

function lockedDown({ name, spec }: { name: string; spec: PodSpec }): void {
  assert.equal(spec.securityContext?.seccompProfile?.type, 'RuntimeDefault', name)
  assert.equal(spec.automountServiceAccountToken === false, !/watcher|secrets/.test(name), name)
  for (const container of spec.containers) {
    const { securityContext, resources } = container
    assert.equal(securityContext?.allowPrivilegeEscalation, false, name)
    assert.equal(securityContext?.readOnlyRootFilesystem, true, name)
    assert.deepEqual(securityContext?.capabilities?.drop, ['ALL'], name)
    assert.ok(resources?.requests?.cpu && resources.requests.memory, name)
    assert.equal(resources.limits?.cpu, undefined, name)
    if (name !== 'herald-announcer') {
      assert.equal(spec.securityContext?.runAsNonRoot, true, name)
      assert.equal(securityContext.capabilities?.add, undefined, name)
      assert.ok(!spec.hostNetwork && !spec.volumes?.some(volume => volume.hostPath), name)
    }
    if (!name.startsWith('herald-secrets')) {
      assert.ok(container.livenessProbe && container.readinessProbe, name)
    }
  }
}

function holdsNoSecret(container: Container): void {
  for (const { name, value } of container.env ?? []) {
    if (/PASSWORD$|KEYS?$|TOKEN$/.test(name)) assert.equal(value, undefined, name)
  }
  assert.doesNotMatch([...(container.args ?? [])].join(' '), /--redis-url|password/i)
}

/** Selectors of workloads, budgets, policies and Services find a pod; mounts find their volume. */
function selectsWhatIsThere(objects: readonly ApiObject[]): void {
  const pods = podsOf(objects)
  for (const { name, selector, labels, spec } of pods) {
    for (const [key, value] of Object.entries(selector)) assert.equal(labels[key], value, name)
    const volumes = new Set([...(spec.volumes ?? []).map(one => one.name), 'data'])
    for (const mount of spec.containers.flatMap(one => one.volumeMounts ?? [])) {
      assert.ok(volumes.has(mount.name), `${name}: ${mount.name}`)
    }
  }
  for (const { metadata, spec } of servicesOf(objects)) {
    const selected = pods.filter(pod =>
      Object.entries(spec.selector).every(([key, value]) => pod.labels[key] === value),
    )
    assert.equal(selected.length, 1, metadata.name)
    for (const { targetPort } of spec.ports) {
      assert.ok(selected.flatMap(portsOf).includes(targetPort), `${metadata.name}: ${targetPort}`)
    }
  }
  const names = objects.filter(one => one.kind === 'ServiceAccount').map(one => one.metadata.name)
  for (const { name, spec } of pods) {
    if (spec.serviceAccountName) assert.ok(names.includes(spec.serviceAccountName), name)
  }
}

/** By name and by number. */
const portsOf = ({ spec }: PodTemplate): (string | number)[] =>
  spec.containers.flatMap(one => one.ports ?? []).flatMap(one => [one.name, one.containerPort])

async function packaged(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'herald-chart-'))
  try {
    await helm('package', CHART, '--destination', folder)
    const [archive = ''] = readdirSync(folder)
    const listed = execFileSync('tar', ['-tzf', join(folder, archive)], { encoding: 'utf8' })
    const crds = readdirSync(new URL('../../../infra/deploy/crds/', import.meta.url))
    for (const file of crds) assert.ok(listed.includes(`herald/crds/${file}\n`), file)
    assert.ok(listed.includes('herald/files/rbac.yaml\n'))
    assert.equal(
      await helm('template', 'herald', join(folder, archive)),
      await helm('template', 'herald', CHART),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}
