import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readAddressRecord, readAllocation, readLanRecord } from '../../../infra/redis/records.ts'

describe('records of the scripts', () => {
  test('an allocation, with what it lacks and what is to be said', () => {
    const refusal = { reason: 'AllocationFailed', message: 'full, "a"' }
    const notice = { reason: 'ClearAssignment', message: 'gone' }
    const text = `2 17 abc uid-1\n10.0.0.1,2001:db8::1\nmy pool\n${JSON.stringify(refusal)}\n${JSON.stringify(notice)}\n`
    assert.deepEqual(readAllocation(text), {
      ...{ v: 2, uid: 'uid-1', sinceMs: 17, incarnation: 'abc', pool: 'my pool' },
      ...{ addresses: ['10.0.0.1', '2001:db8::1'], refusal, notices: [notice] },
    })
  })

  test('an allocation of nothing', () => {
    const { addresses, pool, refusal, notices } = readAllocation('2 17 abc uid-1\n\n\n\n\n')
    assert.deepEqual([addresses, pool, refusal, notices], [[], null, null, undefined])
  })

  test('an address that two share', () => {
    const text =
      '2 4:0a00 1 default\nmy pool\nk\napp=x\ndefault/a/b u1 5 0 TCP/80,TCP/81,\ndefault/a/c  6 -1 \n'
    assert.deepEqual(readAddressRecord(text), {
      ...{ v: 2, page: '4:0a00', offset: 1, cluster: 'default', pool: 'my pool' },
      ...{ sharingKey: 'k', backendKey: 'app=x' },
      holders: {
        'default/a/b': { uid: 'u1', ports: ['TCP/80', 'TCP/81'], sinceMs: 5, reserveMs: 0 },
        'default/a/c': { uid: '', ports: [], sinceMs: 6, reserveMs: -1 },
      },
    })
  })

  test('what is known of an address on the LAN', () => {
    assert.deepEqual(readLanRecord('unprobed named'), { unprobed: 'named' })
    const who = {
      ...{ mac: '02:aa:bb:cc:dd:ee', node: 'node-b', interface: 'eth0' },
      ...{ sinceMs: 5, lastMs: 7 },
    }
    const text = '02:aa:bb:cc:dd:ee node-b eth0 5 7'
    assert.deepEqual(readLanRecord(`taken ${text}`), { taken: who })
    assert.deepEqual(readLanRecord(`claimed ${text}`), { claimed: who })
  })

  test('an address that rests, and one that is reserved for ever', () => {
    const of = (line: string) => readAddressRecord(`2 4:0a00 1 default\na\n\n\n${line}\n`)
    const resting = of('- default/a/b 99 rests')
    assert.deepEqual(resting.after, { service: 'default/a/b', untilMs: 99, reserved: false })
    assert.deepEqual(resting.holders, {})
    const reserved = of('- default/a/b -1 reserved')
    assert.deepEqual(reserved.after, { service: 'default/a/b', untilMs: -1, reserved: true })
  })
})
