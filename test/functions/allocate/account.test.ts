import assert from 'node:assert/strict'
import { test } from 'node:test'
import { account } from '../../../functions/allocate/account.ts'
import type { Pool } from '../../../functions/model/configuration.ts'
import type { Service } from '../../../functions/model/service.ts'
import { aPool } from '../../support/claims.ts'
import { aConfiguration, aService } from '../../support/services.ts'

const blue = aPool('blue', ['192.168.50.211-192.168.50.220'])
const manual = aPool('manual', ['10.1.0.0/24'], { autoAssign: false })
const six = aPool('six', ['2001:db8::/64'])
const pinned = aPool('pinned', ['10.2.0.0/24'], {
  serviceAllocation: {
    priority: 1,
    namespaces: ['default'],
    namespaceSelectors: [],
    serviceSelectors: [],
  },
})
const others = aPool('others', ['10.3.0.0/24'], {
  serviceAllocation: {
    priority: 1,
    namespaces: ['elsewhere'],
    namespaceSelectors: [],
    serviceSelectors: [],
  },
})

function tell(service: Service, ...pools: readonly Pool[]) {
  const configuration = aConfiguration(...pools)
  const state = {
    configuration,
    namespaceLabels: {},
    held: null,
    records: [],
    quarantines: [],
    nodeAddresses: [],
    id: 'default/default/web',
  }
  const { pools: verdicts, refusal } = account(service, state, configuration)
  return {
    verdicts: verdicts.map(({ pool, rank, verdict }) => `${pool} ${rank ?? '-'} ${verdict}`),
    refusal,
  }
}

test('account: every pool has its place in the order, or a reason why it is passed by', () => {
  assert.deepEqual(tell(aService('web'), blue, manual, others, pinned, six), {
    verdicts: [
      'blue 2 open to every Service',
      'manual - has autoAssign: false',
      'others - admits other namespaces or Services only',
      'pinned 1 pinned to this Service',
      'six - has IPv6 addresses only, the Service needs IPv4',
    ],
    refusal: null,
  })
})

test('account: what can never be had is said in the words of the decision', () => {
  const asked = aService('web', { loadBalancerIP: '203.0.113.9' })
  assert.match(tell(asked, blue).refusal ?? '', /requested 203\.0\.113\.9, but no pool contains it/)
  assert.match(tell(aService('web'), manual).refusal ?? '', /"manual" has autoAssign: false/)
})
