/** The console beside a LAN on which a node falls silent; `npm run screenshots` keeps what is seen. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Opened, openPage } from '../support/browser.ts'
import { needs } from '../support/capabilities.ts'
import { commands, herald } from '../support/cli.ts'
import { eventually } from '../support/eventually.ts'
import { type Lab, lab } from '../support/lab.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'

const NAMES = ['shop', 'mail', 'wiki', 'git']
/**
 * Beside the first, which has Pods: three Services like it, two that share, one that wants what no pool has, one that
 * comes and goes, and a larger pool.
 */
const MORE = `apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: guests, namespace: metallb-system}
spec: {addresses: [192.168.50.32/27], autoAssign: false}
---
${[
  ['mail', 'shop', '{}', 'TCP'],
  ['wiki', 'shop', '{}', 'TCP'],
  ['git', 'shop', '{}', 'TCP'],
  ['dns-udp', 'shop', '{metallb.io/address-pool: guests, metallb.io/allow-shared-ip: dns}', 'UDP'],
  ['dns-tcp', 'shop', '{metallb.io/address-pool: guests, metallb.io/allow-shared-ip: dns}', 'TCP'],
  ['printer', 'shop', '{metallb.io/loadBalancerIPs: 10.9.9.9}', 'TCP'],
  ['trial', 'shop', '{}', 'TCP'],
]
  .map(
    ([name, app, annotations, protocol]) => `apiVersion: v1
kind: Service
metadata: {name: ${name}, annotations: ${annotations}}
spec: {type: LoadBalancer, selector: {app: ${app}}, ports: [{port: 53, protocol: ${protocol}}]}
`,
  )
  .join('---\n')}`

describe('the console beside a LAN', needs('netns', 'redis', 'kubectl', 'browser'), () => {
  const scope = undoing({ after })
  let all: Lab
  let opened: Opened
  let silent: number | null = null

  before(async () => {
    all = await lab(scope)
    scope.after(() => silent && process.kill(silent, 'SIGCONT'))
    const redis = ['--redis-url', all.redis.path]
    const at = ['--console-address', '127.0.0.1:0', '--health-address', 'off']
    const console = herald(scope, ['console', ...redis, ...at])
    await all.serve('shop')
    await all.apply(MORE)
    await all.addressOf('trial')
    await all.kubectl('delete', 'service', 'trial')
    const run = commands(scope, all.redis.path)
    const reserved = await run('reserve', '192.168.50.220', '--service', 'default/chat')
    assert.equal(reserved.code, 0, reserved.said)
    const address = () => console.lines().find(line => 'address' in line)?.address
    await until('it is served', () => address() !== undefined, 60_000)
    opened = await openPage(scope, String(address()))
  })

  const rowOf = (node: string) => opened.page.locator(`#node-rows tr:has(th:text-is("${node}"))`)

  const lagOf = (node: string) => rowOf(node).locator('td[data-head="Lag"]')

  it('shows what each node announces, and each Service with its node', async () => {
    for (const name of NAMES) {
      await opened.seen(
        '#service-rows',
        new RegExp(`default/${name}192\\.168\\.50\\.\\d+my-ip-space`),
      )
    }
    await opened.seen(
      '#node-rows',
      /node-arenewed\d–eth0node-b, node-c.*node-brenewed.*node-crenewed/,
    )
    await opened.seen('#pool-list', /4 held, 4 free, 1 resting, 1 reserved/)
    await opened.page.waitForSelector('.cell.shared[aria-label*="dns-tcp"][aria-label*="node-"]')
  })

  it('shows a failover as it happens: what moved, from where to where, and who is silent', async () => {
    const address = await all.addressOf('shop')
    const [owner = ''] = await all.answerers(address)
    silent = all.process(owner).pid()
    assert.ok(silent)
    process.kill(silent, 'SIGSTOP')
    await opened.seen('#moves', new RegExp(`${address} moved from ${owner} to node-[abc]`))
    await rowOf(owner)
      .filter({ hasText: /ended: silent for \d+s/ })
      .waitFor()
    await lagOf(owner)
      .filter({ hasText: /^\d+s$/ })
      .waitFor()
    const heard = opened.page.locator('#node-rows td[data-head="Hears"]')
    await eventually(async () => {
      const named = (await heard.allTextContents()).filter(text => text.includes(owner))
      assert.deepEqual(named, [], 'who is silent is heard by nobody')
    })
  })

  it('is pictured, where somebody asked for it', async () => {
    for (const [name, width, height, colorScheme] of [
      ['console-light', 1024, 1250, 'light'],
      ['console-dark', 1024, 1250, 'dark'],
      ['console-narrow', 320, 1250, 'light'],
    ] as const) {
      await opened.page.emulateMedia({ colorScheme })
      await opened.page.setViewportSize({ width, height })
      await opened.picture(name)
    }
  })

  it('shows that the node is back', async () => {
    assert.ok(silent)
    process.kill(silent, 'SIGCONT')
    silent = null
    await opened.seen('#node-rows', /node-arenewed.*node-brenewed.*node-crenewed/)
    await opened.seen('#node-rows', /(node-[abc]renewed\d–eth0.*){3}/)
    assert.deepEqual(opened.complaints, [])
  })
})
