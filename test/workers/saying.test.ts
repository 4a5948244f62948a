import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { needs } from '../support/capabilities.ts'
import { eventsOf, putService } from '../support/cluster.ts'
import { kubectl } from '../support/kubectl.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'
import { denied, type Watched, watched } from '../support/watching.ts'

type Fields = NonNullable<Parameters<typeof putService>[2]>

/** A Service, what is done to it, and what is said of it. */
interface Story {
  readonly name: string
  readonly spec?: Fields
  readonly annotations?: Fields
  readonly afterwards?: (herald: Watched) => void
  readonly events: readonly RegExp[]
}

const patch =
  (name: string, change: Fields) =>
  ({ api }: Watched) =>
    void api.store.patch('services', 'default', name, change)

const STORIES: readonly Story[] = [
  {
    name: 'loses-its-pool',
    annotations: { 'metallb.io/address-pool': 'second' },
    afterwards: ({ api }) =>
      api.store.delete('ipaddresspools.metallb.io', 'metallb-system', 'second'),
    events: [/^IPAllocated: .*"second"/, /^ClearAssignment/, /^AllocationFailed: .*second/],
  },
  { name: 'plain', events: [/^IPAllocated: Assigned IP "10\.30\.0\.\d+" from pool "first"$/] },
  {
    name: 'asks-for-another',
    spec: { loadBalancerIP: '10.30.0.40' },
    afterwards: patch('asks-for-another', { spec: { loadBalancerIP: '10.30.0.41' } }),
    events: [/^IPAllocated: .*"10\.30\.0\.40"/, /^IPAllocated: .*"10\.30\.0\.41"/],
  },
  {
    name: 'asks-for-what-is-taken',
    spec: { loadBalancerIP: '10.30.0.41' },
    afterwards: patch('asks-for-what-is-taken', { spec: { loadBalancerIP: '10.30.0.42' } }),
    events: [/^AllocationFailed: .*10\.30\.0\.41/, /^IPAllocated: .*"10\.30\.0\.42"/],
  },
  {
    name: 'keeps-what-it-has',
    spec: { loadBalancerIP: '10.30.0.43' },
    afterwards: patch('keeps-what-it-has', { spec: { loadBalancerIP: '10.99.0.1' } }),
    events: [
      /^IPAllocated: .*"10\.30\.0\.43"/,
      /^AllocationFailed: It keeps 10\.30\.0\.43\. .*10\.99\.0\.1/,
    ],
  },
  {
    name: 'asks-for-no-pool',
    annotations: { 'metallb.io/address-pool': 'nowhere' },
    events: [/^AllocationFailed: .*nowhere/],
  },
  {
    name: 'asks-in-prose',
    annotations: { 'metallb.io/loadBalancerIPs': 'one that is free' },
    events: [/^AllocationFailed: .*one that is free/],
  },
  {
    name: 'asks-twice',
    spec: { loadBalancerIP: '10.30.0.44' },
    annotations: { 'metallb.io/loadBalancerIPs': '10.30.0.44' },
    events: [/^AllocationFailed: .*loadBalancerIP/],
  },
  {
    name: 'asks-in-old-words',
    annotations: { 'metallb.universe.tf/address-pool': 'first' },
    events: [/^IPAllocated/, /^deprecatedAnnotation: .*metallb\.universe\.tf\/address-pool/],
  },
  {
    name: 'reserves-in-prose',
    annotations: { 'herald.io/reserve': 'as long as possible' },
    events: [/^IPAllocated/, /^InvalidAnnotation: .*as long as possible/],
  },
  {
    name: 'prefers-both-families',
    spec: { ipFamilyPolicy: 'PreferDualStack' },
    events: [/^IPAllocated: .*10\.30/, /^AdditionalAssignFailed/],
  },
  {
    name: 'shares',
    spec: { loadBalancerIP: '10.30.0.45', ports: [{ port: 80 }] },
    annotations: { 'metallb.io/allow-shared-ip': 'ours' },
    events: [/^IPAllocated: .*"10\.30\.0\.45"/],
  },
  {
    name: 'shares-a-port',
    spec: { loadBalancerIP: '10.30.0.45', ports: [{ port: 80 }] },
    annotations: { 'metallb.io/allow-shared-ip': 'ours' },
    events: [/^AllocationFailed: .*80/],
  },
  {
    name: 'shares-under-another-key',
    spec: { loadBalancerIP: '10.30.0.45', ports: [{ port: 81 }] },
    annotations: { 'metallb.io/allow-shared-ip': 'theirs' },
    events: [/^AllocationFailed: .*10\.30\.0\.45/],
  },
]

describe('what is said of a Service', needs('redis', 'kubectl'), () => {
  const scope = undoing({ after })
  let herald: Watched
  let stop: () => Promise<unknown>

  before(async () => {
    herald = await watched(scope)
    for (const [name, addresses] of Object.entries({
      first: '10.30.0.0/24',
      second: '10.31.0.0/24',
    })) {
      herald.api.store.create('ipaddresspools.metallb.io', {
        apiVersion: 'metallb.io/v1beta1',
        kind: 'IPAddressPool',
        metadata: { namespace: 'metallb-system', name },
        spec: { addresses: [addresses], autoAssign: name === 'first' },
      })
    }
    stop = await herald.startBoth()
  })

  for (const { name, spec, annotations, afterwards, events } of STORIES) {
    test(`${name}: ${events.length} events, each once`, async () => {
      const { api } = herald
      const toldSo = (count: number) => () =>
        events.slice(0, count).every(words => eventsOf(api, name).some(one => words.test(one)))
      putService(api, name, spec, annotations)
      await until('the first event', toldSo(1))
      afterwards?.(herald)
      await until(`all events of ${name}`, toldSo(events.length)).catch(e => {
        console.error(
          eventsOf(api, name),
          JSON.stringify(api.store.get('services', 'default', name)),
        )
        throw e
      })
      assertTold(api, name, events)
    })
  }

  test('nothing is said anew when labels change, when its processes restart, and when Redis is emptied', async () => {
    const { api } = herald
    await kubectl(api.kubeconfigPath, 'label', 'services', '--all', 'seen=yes')
    putService(api, 'behind-the-labels')
    await herald.hasAddress('behind-the-labels')
    await stop()
    stop = await herald.startBoth()
    putService(api, 'behind-the-restart')
    await herald.hasAddress('behind-the-restart')
    await herald.client.flushall()
    putService(api, 'behind-the-flush')
    await herald.hasAddress('behind-the-flush')
    for (const { name, events } of STORIES) assertTold(api, name, events)
    assert.deepEqual(denied(herald), [])
  })
})

function assertTold(api: Watched['api'], name: string, events: readonly RegExp[]): void {
  const said = eventsOf(api, name)
  assert.equal(said.length, events.length, `${name}: ${said.join('\n')}`)
  for (const words of events)
    assert.ok(
      said.some(one => words.test(one)),
      `${name}: ${words}`,
    )
}
