import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needs } from '../support/capabilities.ts'
import { ran } from './command.ts'

const MINUTES = 3

test(
  `${MINUTES} minutes of churn, killed processes and outages leave nothing lost, moved, doubled, leaked or growing`,
  needs('netns', 'redis'),
  async t => {
    const { code, said } = await ran('soak', '--minutes', String(MINUTES))
    assert.equal(code, 0, said)
    const figures =
      /(\d+) s: (\d+) changes, (\d+) kills, (\d+) outages, .*\neverything held\n/.exec(said)
    assert.ok(figures, said)
    const [took = 0, changes = 0, kills = 0, outages = 0] = figures.slice(1).map(Number)
    t.diagnostic(`${/seed \d+/.exec(said)}: ${figures[0].trim()}`)
    // Far below what they are: a machine that is busy does less in the time.
    assert.ok(took >= MINUTES * 60 && changes > 200 && kills > 10 && outages > 4, figures[0])
  },
)
