import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openDepths } from '../../infra/queue/depth.ts'
import { openBells } from '../../infra/queue/queues.ts'
import { needs } from '../support/capabilities.ts'
import { eventsOf } from '../support/cluster.ts'
import { kubectl } from '../support/kubectl.ts'
import { keptLog } from '../support/log.ts'
import { join, putObject, renewLease, serve } from '../support/nodes.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'
import { denied, type Watched, watched } from '../support/watching.ts'

const GROUP = 'metallb.io'
const KIND = `servicel2statuses.${GROUP}`
const NAMESPACE = 'metallb-system'
const WRITES = ['patch', 'create', 'delete'] as const

describe('who announces a Service', needs('redis', 'kubectl'), () => {
  const scope = undoing({ after })
  let herald: Watched
  let stop: () => Promise<unknown>
  const shown = () =>
    herald.api.store
      .list(KIND)
      .map(one => one as unknown as { status?: Record<string, unknown> })
      .flatMap(({ status }) =>
        // The object is made first, its status is written then.
        status ? [`${status.serviceNamespace}/${status.serviceName} ${status.node}`] : [],
      )
  const assignments = () =>
    eventsOf(herald.api, 'web').filter(one => one.startsWith('nodeAssigned'))
  const writes = () =>
    WRITES.flatMap(verb =>
      [KIND, `${KIND}/status`, 'servicel2statuses', 'servicel2statuses/status'].map(resource =>
        herald.api.counters.requests({ verb, resource }),
      ),
    ).reduce((sum, count) => sum + count, 0)
  const ring = (queue: string, key: string) =>
    openBells(herald.client, '{herald}', keptLog()).ring(queue, [key])
  const ringAnnounced = () => ring('publish-default', 'announced')
  const allTold = () =>
    until('all is told', async () => {
      const { waiting, active, delayed } = await openDepths(herald.client, '{herald}').depth(
        'publish-default',
      )
      return waiting + active + delayed === 0
    })
  const placement = async () => {
    const [address = ''] = herald.addresses(['web'])
    const found = await herald.state.placement('default', address)
    assert.ok(found)
    return found
  }

  before(async () => {
    herald = await watched(scope)
    putObject(herald, 'IPAddressPool', 'lan', { addresses: ['10.40.0.0/24'] })
    putObject(herald, 'L2Advertisement', 'lan', { ipAddressPools: ['lan'] })
    putObject(herald, 'IPAddressPool', 'dmz', { addresses: ['10.41.0.0/24'], autoAssign: false })
    putObject(herald, 'L2Advertisement', 'dmz', { ipAddressPools: ['dmz'], interfaces: ['dmz0'] })
    stop = await herald.startBoth()
    await join(herald, 'a', 'b')
    serve(herald, 'web')
    await herald.hasAddress('web')
  })

  test('is shown in a ServiceL2Status as kubectl prints it, and by an event in MetalLB’s words', async () => {
    await until('it is shown', () => shown().join().startsWith('default/web '))
    const { owner } = await placement()
    assert.deepEqual(shown(), [`default/web ${owner?.node}`])
    await until('it is said', () => assignments().length > 0)
    assert.deepEqual(assignments(), [
      `nodeAssigned: announcing from node "${owner?.node}" with protocol "layer2"`,
    ])
    const table = await kubectl(herald.api.kubeconfigPath, 'get', 'servicel2statuses', '-A')
    assert.match(table, /ALLOCATED NODE +SERVICE NAME +SERVICE NAMESPACE +INTERFACE/)
    assert.match(table, new RegExp(`l2-\\w+ +${owner?.node} +web +default +eth0`))
    const [object] = herald.api.store.list(KIND)
    assert.deepEqual(object?.metadata.labels, {
      'metallb.io/node': owner?.node,
      'metallb.io/service-name': 'web',
      'metallb.io/service-namespace': 'default',
    })
  })

  test('changes with a takeover on the LAN, which is said', async () => {
    const { owner, epoch, ...rest } = await placement()
    const other = owner?.node === 'a' ? 'b' : 'a'
    const taken = {
      ...rest,
      owner: { node: other, interfaces: null },
      standbys: [],
      epoch: { number: epoch.number + 1, node: other },
    }
    await renewLease(herald, other, [taken])
    await ringAnnounced()
    await until('the other is shown', () => shown().join() === `default/web ${other}`)
    await until('it is said', () => assignments().some(one => one.includes(`"${other}"`)))
    assert.equal(assignments().length, 2)
  })

  test('names other interfaces when its node has others in its network', async () => {
    const { owner, group } = await placement()
    await ring('place', `default/${group}`)
    await until('it is placed', async () => (await herald.state.dirtyKeys('place')).length === 0)
    await allTold()
    const named = () => JSON.stringify(herald.api.store.list(KIND).map(one => one.status))
    assert.match(named(), /"eth0"/)
    const interfaces = [
      { name: 'eth0', mac: '02:00:00:00:00:01', prefixes: [] },
      { name: 'eth1', mac: '02:00:00:00:00:02', prefixes: ['10.40.0.1/24'] },
    ]
    const before = assignments()
    await renewLease(herald, owner?.node ?? '', [], { interfaces })
    await ringAnnounced()
    await until('the other is named', () => !named().includes('"eth0"'))
    assert.match(named(), /"eth1"/)
    assert.deepEqual(assignments(), before)
  })

  test('a node whose beats do not get through is warned on itself, once; a name that is no node’s is made up', async () => {
    const alarms = [
      { reason: 'unknownBeat', node: 'forged' },
      { reason: 'beatsBlocked', node: 'b' },
    ] as const
    for (let time = 0; time < 2; time++) {
      await renewLease(herald, 'a', [], { alarms })
      await ringAnnounced()
      await until('it is said', () => eventsOf(herald.api, 'b').length > 0)
    }
    await allTold()
    assert.equal(eventsOf(herald.api, 'b').length, 1)
    assert.match(eventsOf(herald.api, 'b').join(), /^BeatsBlocked: a says: .*look at VLANs/)
    assert.deepEqual(eventsOf(herald.api, 'forged'), [])
  })

  test('a node whose kernel answers too is told so, once for each start of its announcer', async () => {
    for (let time = 0; time < 2; time++) {
      await renewLease(herald, 'a', [], { kernelAnswers: ['10.40.0.1'] })
      await ringAnnounced()
      await until('it is said', () => eventsOf(herald.api, 'a').length > 0)
    }
    await allTold()
    const [said = '', ...more] = eventsOf(herald.api, 'a')
    assert.match(said, /^KernelAnswers: a says: .*strictARP.* Some of them: 10\.40\.0\.1\.$/)
    assert.deepEqual(more, [])
  })

  test('is put back when somebody deletes it', async () => {
    const [before] = shown()
    const [object] = herald.api.store.list(KIND)
    herald.api.store.delete(KIND, NAMESPACE, object?.metadata.name ?? '')
    await until('it is back', () => shown().join() === before)
  })

  test('is not written and not said anew by a restart', async () => {
    await allTold()
    const before = [writes(), assignments().length]
    await stop()
    stop = await herald.startBoth()
    serve(herald, 'next')
    await until('the next is shown', () => shown().some(one => one.startsWith('default/next ')))
    const [one = 0] = before
    assert.equal(writes() - one, 2, 'an object and its status, for the next alone')
    assert.equal(assignments().length, before[1])
  })

  test('is still shown while an emptied Redis does not know who announces it', async () => {
    const before = shown().sort()
    await herald.client.flushall()
    await until('what status shows is adopted again', async () =>
      Boolean((await herald.state.allocation('default', 'default/web'))?.addresses.length),
    )
    await ring('publish-default', 'announced/default/web')
    await allTold()
    assert.deepEqual(shown().sort(), before)
    for (const node of ['a', 'b']) await renewLease(herald, node)
    await until('it is placed', async () => {
      const [address = ''] = herald.addresses(['web'])
      return (await herald.state.placement('default', address))?.owner !== undefined
    })
  })

  test('goes with the endpoints, and with the Service', async () => {
    herald.api.store.delete('endpointslices.discovery.k8s.io', 'default', 'next')
    await until('nobody announces the next', () => shown().length === 1)
    herald.api.store.delete('services', 'default', 'web')
    await until('nothing is announced', () => shown().length === 0)
    assert.deepEqual(denied(herald), [])
  })

  test('where no node has the interface that is asked for, announceFailed says so', async () => {
    serve(herald, 'inside')
    herald.api.store.patch('services', 'default', 'inside', {
      metadata: { annotations: { 'metallb.io/address-pool': 'dmz' } },
    })
    await until('it is said', () =>
      eventsOf(herald.api, 'inside').some(one =>
        /^announceFailed: Nobody announces 10\.41\.0\.0: no node may serve default\/inside/.test(
          one,
        ),
      ),
    )
  })
})
