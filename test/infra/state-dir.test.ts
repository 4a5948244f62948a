import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Fault } from '../../functions/model/fault.ts'
import { typescriptArguments } from '../../infra/programs.ts'
import { holderOf, holdStateDir } from '../../infra/state-dir.ts'

describe('the state directory', () => {
  let path: string
  beforeEach(() => {
    path = join(mkdtempSync(join(tmpdir(), 'herald-state-')), 'deep', 'state')
  })
  afterEach(() => rmSync(join(path, '..', '..'), { recursive: true, force: true }))

  it('is held by one process at a time, which other commands find', () => {
    const held = holdStateDir(path)
    held.say({ kubeconfig: '/somewhere' })
    assert.equal(holderOf(path)?.kubeconfig, '/somewhere')
    assert.throws(
      () => holdStateDir(path),
      (error: unknown) => error instanceof Fault && error.code === 'StateDirInUse',
    )
    held.release()
    assert.equal(holderOf(path), null)
    holdStateDir(path).release()
  })

  it('is taken over from a holder that was killed', async t => {
    const code = `
      const { holdStateDir } = await import(${JSON.stringify(MODULE)})
      holdStateDir(${JSON.stringify(path)})
      console.log('held')
      setInterval(() => {}, 1000)`
    const args = [...typescriptArguments(), '--input-type=module', '-e', code]
    const other = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => other.kill('SIGKILL'))
    await once(other.stdout, 'data')
    assert.equal(holderOf(path)?.pid, other.pid)
    assert.throws(() => holdStateDir(path), /runs there already/)
    other.kill('SIGKILL')
    await once(other, 'exit')
    holdStateDir(path).release()
  })

  it('is taken over when the process id of the dead holder was used again', () => {
    holdStateDir(path).release()
    const impostor = { pid: process.pid, started: '1' }
    writeFileSync(join(path, 'up.json'), JSON.stringify(impostor))
    assert.equal(holderOf(path), null)
    holdStateDir(path).release()
  })

  it('is refused with what to do where nothing can be written', () => {
    assert.throws(() => holdStateDir('/proc/herald'), /--state-dir <path>/)
  })
})

const MODULE = fileURLToPath(new URL('../../infra/state-dir.ts', import.meta.url))
