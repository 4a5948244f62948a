/** The console in a real browser, beside a watcher and an allocator that do their work. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import type { ApiServer } from '../../infra/sandbox/apiserver/server.ts'
import { apiServer } from '../support/apiserver.ts'
import { type Opened, openPage } from '../support/browser.ts'
import { needs } from '../support/capabilities.ts'
import { type Cli, herald as cli } from '../support/cli.ts'
import { ARTICLE_CONFIG, addressesOf, putConfigMap, putService } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { herald } from '../support/herald.ts'
import { type PrivateRedis, privateRedis } from '../support/redis.ts'
import { freePorts } from '../support/redis-shapes.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'

const TOKEN = 'a token of this test alone'
const LIMIT_MS = 30_000
/** What begins or ends where nobody sees it: in the page to the right, or in a part that scrolls sideways. */
const BEYOND_THE_EDGE = `
  [document.scrollingElement, ...document.querySelectorAll('main *')]
    .filter(one => one.scrollWidth > one.clientWidth && getComputedStyle(one).display !== 'inline')
    .map(one => one.outerHTML.slice(0, 100))`

describe('the console', needs('redis', 'browser'), () => {
  const scope = undoing({ after }) // said in a hook, `after` would be of the hook
  let redis: PrivateRedis
  let api: ApiServer
  let opened: Opened
  let page: Page
  let served: Cli
  let url = ''

  async function start(port: number): Promise<void> {
    const at = ['--console-address', `127.0.0.1:${port}`, '--health-address', 'off']
    const environment = { HERALD_ADMIN_TOKEN: TOKEN }
    served = cli(scope, ['console', '--redis-url', redis.path, ...at], environment)
    await until('it is served', () => served.said().includes('the console is served'), 60_000)
  }

  before(async () => {
    redis = await privateRedis(scope, { appendonly: true })
    api = await apiServer(scope)
    putConfigMap(api, ARTICLE_CONFIG)
    const processes = herald(scope, { redisUrl: redis.path, kubeconfig: api.kubeconfigPath })
    await processes.start('allocator')
    await processes.start('watcher')
    putService(api, 'first')
    await until('an address', () => addressesOf(api, 'first') !== '', LIMIT_MS)
    const [port = 0] = await freePorts(1)
    url = `http://127.0.0.1:${port}/`
    await start(port)
    opened = await openPage(scope, url)
    page = opened.page
  })

  it('shows the pool as a map, the Service with what it has, and the history', async () => {
    await opened.seen('#service-rows', /default\/first192\.168\.50\.211my-ip-space/)
    await opened.seen('#entries', /claimed 192\.168\.50\.211 for default\/first/)
    await page.waitForSelector('.map button:nth-child(1).held')
    assert.equal(await page.locator('.map button').count(), 10)
    const label = await page.locator('.map button').first().getAttribute('aria-label')
    assert.match(label ?? '', /^192\.168\.50\.211 is held by default\/first/)
    await opened.seen('#queue-rows', /allocate/)
    await opened.seen('#state', /Live/)
  })

  it('shows a new Service, and its address, without being asked again', async () => {
    await page.evaluate('globalThis.samePage = true')
    putService(api, 'second')
    await opened.seen('#service-rows', /default\/second192\.168\.50\.212/)
    await page.waitForSelector('.map button:nth-child(2).held')
    api.store.delete('services', 'default', 'second')
    await page.waitForSelector('.map button:nth-child(2).resting')
    await eventually(async () => {
      assert.doesNotMatch((await page.textContent('#service-rows')) ?? '', /second/)
    }, LIMIT_MS)
    assert.equal(await page.evaluate('globalThis.samePage'), true, 'it was not loaded anew')
  })

  it('says why a Service waits, in the words of explain', async () => {
    putService(api, 'stranger', { loadBalancerIP: '10.9.9.9' })
    await opened.seen('#service-rows', /stranger.*10\.9\.9\.9/)
    await page.getByRole('button', { name: 'default/stranger' }).click()
    await page.waitForSelector('dialog[open]')
    await opened.seen('#why-lines', /because.*10\.9\.9\.9.*pool/)
    await opened.picture('explain')
    await page.keyboard.press('Escape')
    await page.waitForSelector('dialog', { state: 'hidden' })
    await page.fill('#filter', 'stranger')
    await eventually(async () => {
      assert.equal(await page.locator('#service-rows tr').count(), 1)
    }, LIMIT_MS)
    await page.fill('#filter', '')
  })

  it('is used with the keyboard: from address to address by the arrows, Enter asks why', async () => {
    await page.locator('.map button').first().focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    await opened.seen('.pool .about', /192\.168\.50\.213 is free/)
    await page.keyboard.press('Enter')
    await page.waitForSelector('dialog[open]')
    await opened.seen('#why-lines', /192\.168\.50\.213.*free/)
    await page.keyboard.press('Escape')
    putService(api, 'third')
    await page.waitForSelector('.map button:nth-child(3).held')
    const stops = await page
      .locator('.map button[tabindex="0"]')
      .evaluateAll(all => all.map(one => one.ariaLabel))
    assert.equal(stops.length, 1, 'one stop of the Tab key for a map')
    assert.match(stops[0] ?? '', /^192\.168\.50\.213 is held/, 'it stays where it was')
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [320, 768, 1280]) {
      it(`fits ${width} px, ${colorScheme}: all of it is seen without scrolling sideways`, async () => {
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize({ width, height: 800 })
        assert.deepEqual(await page.evaluate(BEYOND_THE_EDGE), [])
        const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor')
        assert.equal(ground, { light: 'rgb(255, 255, 255)', dark: 'rgb(20, 23, 26)' }[colorScheme])
      })
    }
  }

  it('every part has a name for those who do not see it', async () => {
    const nameless = await page.evaluate(`
      [...document.querySelectorAll('button, input, a, section, meter, [role=img]')]
        .filter(one => !(one.textContent.trim() || one.ariaLabel || one.labels?.length || one.getAttribute('aria-labelledby')))
        .map(one => one.outerHTML)`)
    assert.deepEqual(nameless, [])
  })

  it('queues: bull-board shows them to everybody', async () => {
    const board = await opened.browser.newPage()
    await board.goto(`${url}queues`)
    await board.waitForFunction('document.body.innerText.includes("publish-default")')
    await board.close()
  })

  it('acts upon queues for nobody but the owner of the token, and for no other site', async () => {
    const act = (path: string, headers: Record<string, string> = {}) =>
      fetch(`${url}${path}/api/queues/allocate/retry/failed`, { method: 'PUT', headers })
    const as = (token: string) => ({ authorization: `Bearer ${token}` })
    const basic = `Basic ${Buffer.from(`me:${TOKEN}`).toString('base64')}`
    assert.equal((await act('queues')).status, 403)
    assert.equal((await act('queues', as(TOKEN))).status, 403, 'the board to read acts for nobody')
    assert.equal((await act('admin/queues')).status, 401)
    assert.equal((await act('admin/queues', as(`${TOKEN}x`))).status, 401)
    assert.equal((await act('admin/queues', as(TOKEN))).status, 200)
    assert.equal((await act('admin/queues', { authorization: basic })).status, 200)
    const elsewhere = { authorization: basic, origin: 'http://elsewhere.example' }
    assert.equal((await act('admin/queues', elsewhere)).status, 403)
    assert.equal((await fetch(`${url}admin/queues`)).status, 401)
  })

  it('says that Redis is away, and goes on by itself when it is back', async () => {
    await redis.stop()
    await opened.seen('#trouble', /Redis is away/)
    await opened.picture('redis-away')
    await redis.start()
    await page.waitForSelector('#trouble', { state: 'hidden' })
    putService(api, 'later')
    await opened.seen('#service-rows', /default\/later192\.168/)
  })

  it('says that it does not answer, and goes on by itself when it is back', async () => {
    assert.deepEqual(opened.complaints, [], 'nothing was wrong on the page until now')
    await served.stop('SIGTERM')
    await opened.seen('#trouble', /does not answer/)
    await badGateway(Number(new URL(url).port)) // the browser gives up for good
    await start(Number(new URL(url).port))
    await page.waitForSelector('#trouble', { state: 'hidden' })
    await opened.seen('#service-rows', /default\/first192\.168\.50\.211/)
  })
})

/** Answers one request, as a proxy does that does not reach the console. */
async function badGateway(port: number): Promise<void> {
  const server = createServer((_, response) => response.writeHead(502).end()).listen(
    port,
    '127.0.0.1',
  )
  try {
    await once(server, 'request')
  } finally {
    server.close()
    server.closeAllConnections()
  }
}
