/**
 * Whatever users write: the parser never crashes, never hangs, and never says nothing: what it does not take it refuses, and
 * says where, what is wrong and what to write instead. HERALD_FUZZ_RUNS makes it longer, HERALD_SEED replays one.
 */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { allocate } from '../../../functions/allocate/allocate.ts'
import { sharingOf } from '../../../functions/allocate/sharing.ts'
import { configure } from '../../../functions/configure/configure.ts'
import { entriesOf, Territory } from '../../../functions/configure/overlap.ts'
import { parseEntry } from '../../../functions/model/address.ts'
import type { Configuration, ConfigurationFault } from '../../../functions/model/configuration.ts'
import { aPool } from '../../support/claims.ts'
import { advertisementObject, configMap, poolObject } from '../../support/objects.ts'
import { aConfiguration, aDualService, anAllocation, aService } from '../../support/services.ts'
import {
  advertisementSpec,
  entry,
  poolAnnotations,
  poolSpec,
  requestedAddress,
  serviceAnnotations,
  yaml,
} from './fuzz.ts'

const RUNS = Number(process.env.HERALD_FUZZ_RUNS ?? 600)
const SEED = Number(process.env.HERALD_SEED ?? Math.floor(Math.random() * 2 ** 31))
/** Nobody waits that long for a configuration of a few kilobytes; a pattern that backtracks takes for ever. */
const LONG_MS = 20_000

function always<T>(t: TestContext, given: fc.Arbitrary<T>, holds: (one: T) => void): void {
  t.diagnostic(`HERALD_SEED=${SEED} HERALD_FUZZ_RUNS=${RUNS}`)
  const timely = (one: T) => {
    const beganMs = performance.now()
    holds(one)
    assert.ok(performance.now() - beganMs < LONG_MS, 'it took too long')
  }
  fc.assert(fc.property(given, timely), { seed: SEED, numRuns: RUNS })
}

/** Every mistake says what to do. */
const REMEDY =
  /\b(write|remove|rename|take|keep|give|put|list|indent|delete|change|correct|allow)\b/i

function isActionable(fault: ConfigurationFault): void {
  const several = /^\d+ mistakes: /.test(fault.mistakes)
  const parts = several ? fault.mistakes.split(/\(\d+\) /).slice(1) : [fault.mistakes]
  for (const one of parts) assert.match(one, REMEDY)
  assert.match(fault.message, /in force/)
  assert.ok(!/[\n\r]/.test(fault.message), 'it is one line')
}

/** What is in force makes sense: every entry is addresses, and no two share any. */
function isSound({ pools }: Configuration): void {
  const territory = new Territory()
  for (const { name, addresses } of pools) {
    const entries = entriesOf(name, addresses)
    assert.equal(entries.length, addresses.length)
    assert.ok(entries.length > 0)
    for (const one of entries) {
      assert.equal(territory.rival(one), null)
      territory.add(one)
    }
  }
}

describe('fuzz', () => {
  test('an entry is addresses, or refused with a remedy', t => {
    always(t, entry, text => {
      const range = parseEntry(text)
      if ('reason' in range) assert.match(range.reason, REMEDY)
      else assert.ok(range.first <= range.last)
    })
  })

  test('a ConfigMap is in force whole, or refused whole with every mistake', t => {
    const before = configure(
      [configMap('{address-pools: [{name: old, protocol: layer2, addresses: [10.99.0.0/24]}]}')],
      null,
    ).configuration
    always(t, yaml, text => {
      const { configuration, faults } = configure([configMap(text)], before)
      if (faults.length === 0) {
        assert.ok(configuration.pools.length > 0)
        isSound(configuration)
      } else {
        assert.equal(faults.length, 1)
        assert.equal(configuration, before)
        faults.forEach(isActionable)
      }
    })
  })

  test('each object is in force or refused, whatever the others are, and judging again changes nothing', t => {
    const pools = fc.uniqueArray(
      fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), poolSpec, poolAnnotations),
      { selector: ([name]) => name },
    )
    const advertisements = fc.array(advertisementSpec, { maxLength: 2 })
    always(t, fc.tuple(pools, pools, advertisements), ([first, second, others]) => {
      const objects = (some: typeof first) =>
        some.map(([name, spec, annotations]) => poolObject(name, spec, { annotations }))
      const before = configure(objects(first), null).configuration
      const all = [
        ...objects(second),
        ...others.map((spec, i) => advertisementObject(`l${i}`, spec)),
      ]
      const { configuration, faults } = configure(all, before)
      isSound(configuration)
      faults.forEach(isActionable)
      for (const { kind, name } of all) {
        const list = kind === 'IPAddressPool' ? configuration.pools : configuration.advertisements
        const known = list.some(one => one.name === name)
        const refused = faults.some(fault => fault.kind === kind && fault.name === name)
        assert.ok(known || refused, `nothing was said of ${kind} ${name}`)
      }
      assert.deepEqual(configure(all, configuration).configuration, configuration)
      const stored = JSON.stringify(configuration)
      assert.equal(JSON.stringify(JSON.parse(stored)), stored)
    })
  })

  test('a Service is served, or told what to do in no more words than an event holds', t => {
    const pools = aConfiguration(
      aPool('p', ['10.0.0.0/24', '2001:db8::/64']),
      aPool('q', ['10.0.1.0/24'], { avoidBuggyIPs: true }),
    )
    const given = fc.tuple(serviceAnnotations, requestedAddress, fc.boolean(), fc.boolean())
    always(t, given, ([annotations, loadBalancerIP, dual, holds]) => {
      const more = { annotations, loadBalancerIP }
      const service = dual ? aDualService('s', 'PreferDualStack', more) : aService('s', more)
      sharingOf(service)
      const command = allocate(service, {
        configuration: pools,
        namespaceLabels: {},
        held: holds ? anAllocation('s', ['10.0.1.7'], 'q') : null,
        records: [null],
        quarantines: [],
        nodeAddresses: [],
        id: 'default/default/s',
      })
      const refusal = 'refusal' in command ? command.refusal : undefined
      if (!refusal) {
        assert.ok(
          command.do === 'nothing' || (command.do === 'claim' && command.choices.length > 0),
        )
        return
      }
      assert.match(refusal.message, /\b(Remove|Write|Change|Ask|Add|Create|Allow)\b/)
      assert.ok(
        Buffer.byteLength(refusal.message) <= 1024,
        `${Buffer.byteLength(refusal.message)} octets`,
      )
      assert.ok(!/[\n\r]/.test(refusal.message), 'it is one line')
    })
  })

  test('a number without end is no reason to wait', () => {
    for (const digits of ['1'.repeat(300_000), '1.'.repeat(150_000)]) {
      const text = `peers: [{my-asn: 1, peer-asn: 2, peer-address: 10.0.0.1, hold-time: ${digits}}]\naddress-pools: []`
      const beganMs = performance.now()
      assert.match(configure([configMap(text)], null).faults[0]?.message ?? '', /no duration/)
      assert.ok(performance.now() - beganMs < LONG_MS)
    }
  })
})
