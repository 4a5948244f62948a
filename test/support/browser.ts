/** A page of the console in a real browser, which complains of nothing unless the test expects it. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { chromiumPath } from './capabilities.ts'
import { eventually } from './eventually.ts'
import type { Scope } from './undo.ts'

/** Where pictures are kept; none are made without. */
const SCREENSHOTS = process.env.HERALD_SCREENSHOTS
const LIMIT_MS = 30_000

export interface Opened {
  readonly browser: Browser
  readonly page: Page
  /** What the page threw, or wrote to its console as an error. */
  readonly complaints: readonly string[]
  /** Waits until the text of the element matches. */
  seen(selector: string, words: RegExp): Promise<void>
  /** Keeps what is in the window, as WebP, where somebody asked for pictures. */
  picture(name: string): Promise<void>
}

export async function openPage(t: Scope, url: string): Promise<Opened> {
  const executablePath = chromiumPath() ?? ''
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] }) // as root it has none
  t.after(() => browser.close())
  const page = await browser.newPage()
  page.setDefaultTimeout(LIMIT_MS)
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await page.goto(url)
  return {
    ...{ browser, page, complaints },
    seen: (selector, words) =>
      eventually(async () => {
        assert.match((await page.textContent(selector)) ?? '', words)
      }, LIMIT_MS),
    async picture(name) {
      if (!SCREENSHOTS) return
      mkdirSync(SCREENSHOTS, { recursive: true })
      const session = await page.context().newCDPSession(page)
      // Without loss, and two thirds of what a PNG of so much text takes.
      const how = { format: 'webp', quality: 100 } as const
      const { data } = await session.send('Page.captureScreenshot', how)
      writeFileSync(join(SCREENSHOTS, `${name}.webp`), data, 'base64')
    },
  }
}
