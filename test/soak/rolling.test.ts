import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needs } from '../support/capabilities.ts'
import { ran } from './command.ts'

test(
  'each process is replaced by that of this version while Services churn: no address moves, no ping is lost, nothing is left',
  needs('netns', 'redis', 'history'),
  async t => {
    const { code, said } = await ran('rolling', '--passes', '1')
    assert.equal(code, 0, said)
    assert.equal(said.match(/ is of this version after /g)?.length, 7, said)
    const figures = /(\d+) changes, (\d+) pings and questions\neverything held\n/.exec(said)
    const [changes = 0, pings = 0] = figures?.slice(1).map(Number) ?? []
    assert.ok(changes > 10 && pings > 400, said)
    t.diagnostic(said.split('\n', 1)[0] ?? '')
  },
)
