/** What is rendered and committed is what would be rendered now. Part of `npm run check`: it takes a tenth of a second. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { MANIFESTS, renderManifests, renderUsers, USERS } from '../../../infra/deploy/helm.ts'
import { needs } from '../../support/capabilities.ts'

const ELSE = 'is not what "npm run render" writes now'

test('the users of Redis are those of infra/redis/acl.ts', () => {
  assert.ok(readFileSync(USERS, 'utf8') === renderUsers(), `${USERS} ${ELSE}`)
})

test('the plain manifests are the chart as it is', needs('kubectl'), async () => {
  assert.ok(readFileSync(MANIFESTS, 'utf8') === (await renderManifests()), `${MANIFESTS} ${ELSE}`)
})
