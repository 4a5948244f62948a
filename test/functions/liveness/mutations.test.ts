/** Bugs that the simulator must notice: a simulator that finds nothing in these proves nothing. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Mutation, mutant } from './mutant.ts'
import { simulate } from './schedule.ts'

const SCHEDULES_MAX = 600

const protocol = (from: string, to: string): Mutation => ({ file: 'protocol.ts', from, to })
const takeover = (from: string, to: string): Mutation => ({ file: 'takeover.ts', from, to })

const rows: [string, Mutation][] = [
  [
    'who hears a greater epoch does not yield',
    protocol(
      'this.#yield(this.#receiving.set(event.part, event.interface, nowMs), nowMs)',
      'this.#receiving.set(event.part, event.interface, nowMs)',
    ),
  ],
  ['a takeover keeps the epoch', takeover('number: 1 + greatestNumber', 'number: greatestNumber')],
  [
    'the paused goes on without listening',
    protocol(
      "this.#commands.push({ do: 'discard' })\n    this.#listen(nowMs)",
      "this.#commands.push({ do: 'discard' })",
    ),
  ],
  [
    'who was late blames others',
    protocol('if (nowMs - this.#dueMs > limits.LATE_AFTER_MS)', 'if (false)'),
  ],
  [
    'who has not read yet what came in blames others',
    protocol("taken.length > 0 && event.is !== 'tick'", 'false'),
  ],
  [
    'an owner is blamed after one beat that is lost',
    { file: 'messages.ts', from: 'SILENT_AFTER_MS = 300', to: 'SILENT_AFTER_MS = 110' },
  ],
  ['nobody takes over', protocol('active && !this.#peers', 'false && !this.#peers')],
  [
    'who comes back does not listen first',
    protocol('if (listenedMs < limits.LISTEN_MS) return false', 'return true'),
  ],
  [
    'sets are only sent when they change',
    { file: 'sending.ts', from: 'this.#wantedBy.add(session)', to: '' },
  ],
  [
    'who stops hands nothing over',
    protocol('{ leaving, impaired: this', '{ leaving: false, impaired: this'),
  ],
  [
    'a standby takes over without ever having heard the owner',
    takeover(
      'if (!anyMayBeGone(watch.peers, nowMs)) return []',
      `for (const { claim } of watch.redis.values()) {
        if (claim?.standbys[0]?.node !== watch.node || watch.own.has(claim.group)) continue
        if (watch.peers.present(claim.owner.node)) continue
        const epoch = { number: 1 + greatestNumber(claim.group, watch), node: watch.node }
        taken.set(claim.group, { claim: succeed(claim, epoch, watch, nowMs), outageMs: 0 })
      }`,
    ),
  ],
  [
    'an address is taken for a LAN that it does not live on',
    takeover('if (homes.length > 0) names', 'if (homes.length > 9) names'),
  ],
  [
    'a claim of a living node is taken',
    takeover('if (watch.peers.isClaimed(claim.group, peer, nowMs)) return null', ''),
  ],
]

describe('the simulator notices when', () => {
  for (const [name, mutation] of rows) {
    test(name, async t => {
      const make = await mutant(mutation)
      for (let seed = 1; seed <= SCHEDULES_MAX; seed++) {
        const found = simulate(seed, { make })
        if (!found) continue
        t.diagnostic(`--seed ${seed}: ${found.violation}`)
        return
      }
      assert.fail(`not in ${SCHEDULES_MAX} schedules`)
    })
  }
})
