/** Whoever has no way to Redis asks a console, and is told the same. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { needs } from '../support/capabilities.ts'
import { herald } from '../support/cli.ts'
import { heldAndRefused } from '../support/held-and-refused.ts'
import { undoing } from '../support/undo.ts'
import { until } from '../support/until.ts'

const QUESTIONS: readonly (readonly string[])[] = [
  ['get', 'addresses', '-o', 'json'],
  ['describe', 'service', 'default/two', '-o', 'yaml'],
  ['history', '192.168.50.211'],
  ['explain', 'address', '1.2.3'],
]

describe('asked through a console', needs('redis'), () => {
  const scope = undoing({ after })
  let held: Awaited<ReturnType<typeof heldAndRefused>>
  let url = ''
  const ask = async (...args: string[]) => {
    const cli = herald(scope, args, { HERALD_CONSOLE_URL: url })
    return { code: await cli.exit, said: cli.said() }
  }

  before(async () => {
    held = await heldAndRefused(scope)
    const at = ['--console-address', '127.0.0.1:0', '--health-address', 'off']
    const console = herald(scope, ['console', '--redis-url', held.world.path, ...at])
    const address = () => console.lines().find(line => typeof line.address === 'string')?.address
    await until('it is served', () => address() !== undefined, 60_000)
    url = String(address())
  })

  it('commands say what they say with Redis, and fail alike', async () => {
    for (const question of QUESTIONS) {
      const [through, straight] = await Promise.all([ask(...question), held.ask(...question)])
      assert.deepEqual(through, straight, question.join(' '))
    }
    const top = await ask('top')
    assert.match(top.said, /^blue +192\.168\.50\.211-192\.168\.50\.212 +true +1 +1 /m)
  })

  it('without Redis behind it, or without a console, they say so', async () => {
    await held.world.server.stop()
    await until('it says what is wrong', async () => {
      const { code, said } = await ask('get', 'pools')
      return code === 1 && /gave no answer: It cannot be answered now: Redis is away/.test(said)
    })
    url = 'http://127.0.0.1:1/'
    const { code, said } = await ask('get', 'pools')
    assert.equal(code, 1)
    assert.match(said, /The console at http:\/\/127\.0\.0\.1:1\/ gave no answer: .*--console-url/)
    url = 'localhost:17470'
    assert.match((await ask('get', 'pools')).said, /HERALD_CONSOLE_URL is .* it must be the http/)
  })
})
