/** What is rendered and committed is what would be rendered now. Part of `npm run check`: it takes a tenth of a second. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { MANIFESTS, renderManifests } from '../../../infra/deploy/helm.ts'
import { needs } from '../../support/capabilities.ts'

test('the plain manifests are current', needs('kubectl'), async () => {
  const same = readFileSync(MANIFESTS, 'utf8') === (await renderManifests())
  assert.ok(
    same,
    'the chart has changed since: "npm run render" writes infra/deploy/manifests anew',
  )
})
