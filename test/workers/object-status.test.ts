import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forgetGone, nothingWritten } from '../../workers/object-status.ts'

test('what was written on an object is remembered while the object is there', () => {
  const statuses = nothingWritten()
  for (const uid of ['a', 'b', 'c']) statuses.written.set(uid, '{}')
  forgetGone(statuses, [{ uid: 'b' }, { uid: 'new' }])
  assert.deepEqual([...statuses.written.keys()], ['b'])
})
