/** Admission as a user meets it: the sandbox's API server asks the watcher, which judges with what the API server holds. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { connect } from 'node:tls'
import { readCrds, readRbac, readWebhook } from '../../infra/deploy/manifests.ts'
import { connectKubernetes } from '../../infra/kubernetes/client.ts'
import { type JsonObject, listAt, textAt } from '../../infra/sandbox/apiserver/object.ts'
import type { ApiServer } from '../../infra/sandbox/apiserver/server.ts'
import { runWebhook } from '../../workers/webhook.ts'
import { apiServer, ask } from '../support/apiserver.ts'
import { eventually } from '../support/eventually.ts'
import { type KeptLog, keptLog } from '../support/log.ts'
import type { Scope } from '../support/undo.ts'

const HOME = '/apis/metallb.io/v1beta1/namespaces/metallb-system'
const POOLS = `${HOME}/ipaddresspools`
const CONFIGURATIONS = 'validatingwebhookconfigurations.admissionregistration.k8s.io'

const world = { inForce: async () => null, nodeAddresses: async () => ['10.7.0.1'] }
const LIVES = { authorityMs: 3600_000, servingMs: 3600_000 }

/** The API server with Herald's rights, and a watcher's webhook that uses no others. */
async function cluster(t: Scope) {
  const server = await apiServer(t, { rbac: true })
  for (const object of [...readCrds(), ...readRbac(), ...readWebhook()]) {
    const resource = server.registry.catalog.all().find(one => one.kind === object.kind)
    assert.ok(resource, `${object.kind} is known`)
    server.store.create(resource.storage, object)
  }
  const { kubeconfigPath, token } = server.issueToken('metallb-system', 'herald-watcher')
  const log = keptLog()
  const start = async (lives = LIVES, webhookHost: string | null = '127.0.0.1') => {
    const api = await connectKubernetes({ kubeconfig: kubeconfigPath, context: null })
    const config = {
      namespace: 'metallb-system',
      webhook: { host: '127.0.0.1', port: 0 },
      webhookHost,
    }
    const webhook = runWebhook({ ...world, config, api, log }, lives)
    const stop = () => {
      webhook.stop()
      api.close()
    }
    t.after(stop)
    return stop
  }
  return { server, log, start, token }
}

const clientConfigs = (server: ApiServer): JsonObject[] =>
  listAt(server.store.get(CONFIGURATIONS, '', 'herald'), 'webhooks').map(
    one => (one as { clientConfig: JsonObject }).clientConfig,
  )

const urlOf = (server: ApiServer) => textAt(clientConfigs(server)[0], 'url')

async function answering(server: ApiServer): Promise<void> {
  await eventually(
    () => assert.match(urlOf(server), /^https:\/\/127\.0\.0\.1:\d+\/validate$/),
    30_000,
  )
}

const pool = (name: string, ...addresses: string[]) => ({
  apiVersion: 'metallb.io/v1beta1',
  kind: 'IPAddressPool',
  metadata: { name },
  spec: { addresses },
})

const messageOf = ({ body }: { body: unknown }) => textAt(body as JsonObject, 'message')

describe('admission', () => {
  test('a bad pool is refused at once, a good one stored, and two that overlap not both', async t => {
    const { server, start } = await cluster(t)
    await start()
    await answering(server)
    const bad = await ask(server, 'POST', POOLS, { body: pool('bad', '10.0.0.1') })
    assert.equal(bad.status, 403)
    assert.match(
      messageOf(bad),
      /^admission webhook "configuration\.herald\.io" denied the request: spec\.addresses\[0\]: "10\.0\.0\.1" is a single address: write 10\.0\.0\.1\/32$/,
    )
    const good = await ask(server, 'POST', POOLS, { body: pool('z', '10.0.0.0/24') })
    assert.equal(good.status, 201, messageOf(good))
    const odd = await ask(server, 'POST', POOLS, { body: pool('odd', '10.7.0.0/24') })
    assert.equal(odd.status, 201, messageOf(odd))
    assert.match(
      String(odd.headers.warning),
      /contains 10\.7\.0\.1, which nodes of this cluster have/,
    )
    const second = await ask(server, 'POST', POOLS, { body: pool('a', '10.0.0.7/32') })
    assert.match(
      messageOf(second),
      /"10\.0\.0\.7\/32" of pool "a" overlaps "10\.0\.0\.0\/24" of pool "z"/,
    )
    const elsewhere = POOLS.replace('metallb-system', 'default')
    const lost = await ask(server, 'POST', elsewhere, { body: pool('a', '10.9.0.0/24') })
    assert.match(messageOf(lost), /must be created in namespace "metallb-system"/)
  })

  test('the ConfigMap of old, and what speaks of BGP, are judged too', async t => {
    const { server, start } = await cluster(t)
    await start()
    await answering(server)
    const maps = '/api/v1/namespaces/metallb-system/configmaps'
    const map = (name: string, config: string) => ({ metadata: { name }, data: { config } })
    const refused = await ask(server, 'POST', maps, { body: map('config', 'pools: []') })
    assert.match(
      messageOf(refused),
      /webhook "configmap\.herald\.io" denied .*"pools" is not known/,
    )
    assert.equal((await ask(server, 'POST', maps, { body: map('other', 'x') })).status, 201)
    const profile = {
      apiVersion: 'metallb.io/v1beta1',
      kind: 'BFDProfile',
      metadata: { name: 'fast' },
    }
    await ask(server, 'POST', `${HOME}/bfdprofiles`, { body: profile })
    const peer = {
      apiVersion: 'metallb.io/v1beta2',
      kind: 'BGPPeer',
      metadata: { name: 'p' },
      spec: { myASN: 1, peerASN: 2, peerAddress: '192.0.2.1', bfdProfile: 'fast' },
    }
    const peers = `${HOME.replace('v1beta1', 'v1beta2')}/bgppeers`
    const joined = await ask(server, 'POST', peers, { body: peer })
    assert.equal(joined.status, 201, messageOf(joined))
    const old = { ...peer, apiVersion: 'metallb.io/v1beta1', metadata: { name: 'q' } }
    const spec = { ...peer.spec, peerAddress: 'router' }
    const wrong = await ask(server, 'POST', `${HOME}/bgppeers`, { body: { ...old, spec } })
    assert.match(messageOf(wrong), /spec\.peerAddress: "router" is not an IP address/)
    const used = await ask(server, 'DELETE', `${HOME}/bfdprofiles/fast`)
    assert.match(messageOf(used), /BFDProfile "fast" is used by BGPPeer "p"/)
    await ask(server, 'DELETE', `${peers}/p`)
    assert.equal((await ask(server, 'DELETE', `${HOME}/bfdprofiles/fast`)).status, 200)
  })

  test('a webhook that is away blocks nothing, and the next watcher takes its place', async t => {
    const { server, start } = await cluster(t)
    const stop = await start()
    await answering(server)
    const first = urlOf(server)
    stop()
    const stored = await ask(server, 'POST', POOLS, { body: pool('bad', '10.0.0.1') })
    assert.equal(stored.status, 201)
    await start()
    await eventually(() => assert.notEqual(urlOf(server), first), 60_000)
    const refused = await ask(server, 'POST', POOLS, { body: pool('worse', '10.0.0.1') })
    assert.equal(refused.status, 403)
    const change = { metadata: { labels: { a: 'b' } } }
    const type = 'application/merge-patch+json'
    const labelled = await ask(server, 'PATCH', `${POOLS}/bad`, { body: change, type })
    assert.equal(labelled.status, 200, 'what is stored is not held against its owner')
  })

  test('in a cluster it is reached through its Service, and allowed no more than it needs', async t => {
    const { server, start, log, token } = await cluster(t)
    await start(LIVES, null)
    await eventually(
      () => assert.notEqual(textAt(clientConfigs(server)[0], 'caBundle'), ''),
      30_000,
    )
    assert.equal(textAt(clientConfigs(server)[0], 'service', 'name'), 'herald-webhook')
    server.store.create('endpointslices.discovery.k8s.io', {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: 'webhook',
        namespace: 'metallb-system',
        labels: { 'kubernetes.io/service-name': 'herald-webhook' },
      },
      addressType: 'IPv4',
      ports: [{ port: answers(log)[0] ?? 0 }],
      endpoints: [{ addresses: ['127.0.0.1'] }],
    })
    const refused = await ask(server, 'POST', POOLS, { body: pool('bad', '10.0.0.1') })
    assert.equal(refused.status, 403, messageOf(refused))
    assert.match(messageOf(refused), /denied the request: spec\.addresses/)
    const secrets = '/api/v1/namespaces/metallb-system/secrets'
    const others = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations'
    const forbidden: [string, string][] = [
      ['GET', secrets],
      ['GET', `${secrets}/other`],
      ['POST', secrets],
      ['GET', `${others}/other`],
      ['DELETE', `${others}/herald`],
      ['POST', others],
    ]
    for (const [method, path] of forbidden) {
      const { status } = await ask(server, method, path, { token, body: {} })
      assert.equal(status, 403, `${method} ${path}`)
    }
  })

  test('two watchers share the authority: the second is trusted without a word to the API server', async t => {
    const { server, start, log } = await cluster(t)
    await start()
    await answering(server)
    const before = clientConfigs(server)
    await start()
    await eventually(() => assert.equal(answers(log).length, 2), 30_000)
    assert.deepEqual(clientConfigs(server), before)
    const ca = Buffer.from(textAt(before[0], 'caBundle'), 'base64').toString()
    for (const port of answers(log)) await trusted(port, ca)
  })

  test('an authority that ends soon is replaced, and the old one trusted for as long as it lives', async t => {
    const { server, start } = await cluster(t)
    const stop = await start({ authorityMs: 100_000, servingMs: 50_000 })
    await answering(server)
    const bundle = () =>
      Buffer.from(textAt(clientConfigs(server)[0], 'caBundle'), 'base64').toString()
    assert.equal(bundle().match(/BEGIN/g)?.length, 1)
    stop()
    await start({ authorityMs: 3600_000, servingMs: 3600_000 })
    await eventually(() => assert.equal(bundle().match(/BEGIN/g)?.length, 2), 60_000)
    const refused = await ask(server, 'POST', POOLS, { body: pool('bad', '10.0.0.1') })
    assert.equal(refused.status, 403, messageOf(refused))
  })

  test('the certificate is renewed before it ends, and nobody notices', async t => {
    const { server, start, log } = await cluster(t)
    await start({ authorityMs: 3600_000, servingMs: 10_000 })
    await answering(server)
    const [port = 0] = answers(log)
    const ca = Buffer.from(textAt(clientConfigs(server)[0], 'caBundle'), 'base64').toString()
    const first = await trusted(port, ca)
    await eventually(async () => assert.notEqual(await trusted(port, ca), first), 60_000)
    const refused = await ask(server, 'POST', POOLS, { body: pool('bad', '10.0.0.1') })
    assert.equal(refused.status, 403, messageOf(refused))
  })

  test('without its manifest the watcher says what to do, and lives on', async t => {
    const { server, start, log } = await cluster(t)
    server.store.delete('secrets', 'metallb-system', 'herald-webhook')
    await start()
    await eventually(
      () => assert.match(JSON.stringify(log.lines), /Apply infra\/deploy\/webhook\.yaml/),
      30_000,
    )
  })
})

/** Ports of the webhooks that have said that they answer. */
const answers = (log: KeptLog): number[] =>
  log.lines
    .filter(one => one.message === 'answering admission reviews')
    .map(one => Number(one.fields.port))

/** The serial number of the certificate that is shown. Rejects unless a client that knows this authority trusts it. */
function trusted(port: number, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca }, () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}
