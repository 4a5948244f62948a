import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Claim } from '../../functions/liveness/messages.ts'
import { findBeatKeys } from '../../infra/beat-keys.ts'
import { Remembered } from '../../infra/remembered.ts'

const claim = (group: string): Claim => ({
  group,
  addresses: [group],
  epoch: { number: 3, node: 'a' },
  owner: { node: 'a', interfaces: null },
  standbys: [],
})

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'herald-remembered-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

describe('what an announcer claimed', () => {
  const open = (stateDir: string) => new Remembered(stateDir, error => assert.fail(String(error)))

  it('is known at the next start, what it gave up is not', () => {
    const stateDir = join(folder, 'a', 'deep')
    const first = open(stateDir)
    first.change([claim('10.0.0.1'), claim('10.0.0.2')], [])
    first.change([], [claim('10.0.0.1')])
    first.flush()
    assert.deepEqual([...open(stateDir).claims.values()], [claim('10.0.0.2')])
  })

  it('and had not announced yet is known as that until it is announced', () => {
    const stateDir = join(folder, 'withheld')
    const first = open(stateDir)
    first.change([claim('10.0.0.1'), claim('10.0.0.2')], [])
    first.withhold(
      [
        ['10.0.0.1', 'automatic'],
        ['10.0.0.2', 'named'],
      ],
      [],
    )
    first.withhold([], ['10.0.0.1'])
    first.flush()
    assert.deepEqual([...open(stateDir).withheld], [['10.0.0.2', 'named']])
  })

  it('is known from the file of a version that did not tell what it had not announced', () => {
    const stateDir = join(folder, 'former')
    const text = JSON.stringify({ v: 1, claims: [claim('10.0.0.1')] })
    mkdirSync(stateDir)
    const sum = createHash('sha256').update(text).digest('hex')
    writeFileSync(join(stateDir, 'claims.json'), `${sum}\n${text}\n`)
    const { claims, withheld } = open(stateDir)
    assert.deepEqual([[...claims.keys()], withheld.size], [['10.0.0.1'], 0])
  })

  it('is nothing when the file was not written to its end', () => {
    const stateDir = join(folder, 'b')
    const first = open(stateDir)
    first.change([claim('10.0.0.1')], [])
    first.flush()
    const path = join(stateDir, 'claims.json')
    writeFileSync(path, readFileSync(path, 'utf8').replace('"number":3', '"number":4'))
    assert.equal(open(stateDir).claims.size, 0)
  })

  it('is nothing when another version wrote it, and what it claims from then on is kept', () => {
    const stateDir = join(folder, 'c')
    const path = join(stateDir, 'claims.json')
    const first = open(stateDir)
    first.change([claim('10.0.0.1')], [])
    first.flush()
    const [, text = ''] = readFileSync(path, 'utf8').split('\n')
    const later = text.replace('"v":1', '"v":2')
    writeFileSync(path, `${createHash('sha256').update(later).digest('hex')}\n${later}\n`)
    const second = open(stateDir)
    assert.equal(second.claims.size, 0)
    second.change([claim('10.0.0.2')], [])
    second.flush()
    assert.deepEqual([...open(stateDir).claims.values()], [claim('10.0.0.2')])
  })

  it('is reported once when it cannot be kept, and the announcer goes on', () => {
    writeFileSync(join(folder, 'file'), '')
    const failures: unknown[] = []
    const remembered = new Remembered(join(folder, 'file'), error => failures.push(error))
    remembered.change([claim('10.0.0.1')], [])
    remembered.flush()
    assert.equal(failures.length, 1)
    assert.equal(remembered.claims.size, 1)
  })
})

describe('the secret of the beats', () => {
  const texts = (keys: readonly Uint8Array[]) => keys.map(key => new TextDecoder().decode(key))
  const at = (name: string, beatKeys: string[] | null = null) => ({
    beatKeys,
    stateDir: join(folder, name),
  })

  it('is what was configured, all of it, and nobody is asked', async () => {
    const keys = await findBeatKeys(at('k1', ['new', 'old']), () => assert.fail())
    assert.deepEqual(texts(keys), ['new', 'old'])
  })

  it('is the one in Redis, and known afterwards without Redis', async () => {
    assert.deepEqual(texts(await findBeatKeys(at('k2'), async () => 'shared')), ['shared'])
    const away = findBeatKeys(at('k2'), () => Promise.reject(new Error('away')))
    assert.deepEqual(texts(await away), ['shared'])
  })

  it('is believed in its former form too while others may still have that', async () => {
    await findBeatKeys(at('k3'), async () => 'former')
    assert.deepEqual(texts(await findBeatKeys(at('k3'), async () => 'latter')), [
      'latter',
      'former',
    ])
  })
})
