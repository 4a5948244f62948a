import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { connectKubernetes } from '../../../infra/kubernetes/client.ts'
import { follow } from '../../../infra/kubernetes/watch.ts'
import {
  bookmark,
  error,
  following,
  from,
  inTime,
  line,
  listOfA,
  nameOf,
  PATH,
  page,
  saying,
} from '../../support/following.ts'
import { keptLog } from '../../support/log.ts'
import { failure, json } from '../../support/scripted-api.ts'
import { until } from '../../support/until.ts'

test('after its normal end a watch goes on from the last version, over the same connection', async t => {
  const { heard, followed, watches, server } = await following(
    t,
    {
      list: listOfA,
      watch: saying(
        response => response.write(line('ADDED', 'b', '11')),
        response => response.write(bookmark('15')),
      ),
    },
    { watchSeconds: 1 },
  )
  await until('a third watch', () => watches().length >= 3)
  assert.deepEqual(heard, ['list 10: a', 'ADDED b 11'])
  assert.deepEqual(watches().slice(0, 3).map(from), ['10', '11', '15'])
  assert.equal(server.connections(), 2, 'one for the list, one for all watches')
  assert.equal(followed.state().restarts, 0)
})

const BREAKS: readonly [
  string,
  (response: ServerResponse, whenTaken: (then: () => void) => void) => void,
][] = [
  [
    'breaks off in the middle of a line',
    (response, whenTaken) => {
      response.write(line('ADDED', 'b', '11') + line('ADDED', 'c', '12').slice(0, 20))
      whenTaken(() => response.socket?.destroy())
    },
  ],
  [
    'ends in the middle of a line',
    response => response.end(line('ADDED', 'b', '11') + line('ADDED', 'c', '12').slice(0, 20)),
  ],
  [
    'says what is not JSON',
    response => response.write(`${line('ADDED', 'b', '11')}{"type":"ADDED","obj\n`),
  ],
  [
    'says what is no event',
    response => response.write(`${line('ADDED', 'b', '11')}{"type":"PERHAPS"}\n`),
  ],
  [
    'says that it cannot go on',
    response => response.write(line('ADDED', 'b', '11') + error(500, 'InternalError')),
  ],
  [
    'goes silent without an end',
    response => response.on('pipe', () => {}).write(line('ADDED', 'b', '11')),
  ],
]

for (const [name, breaking] of BREAKS) {
  test(`a watch that ${name} is resumed after the last whole event, and nothing is listed`, async t => {
    let broke = false
    const { heard, watches, lists } = await following(
      t,
      {
        list: listOfA,
        watch(question, response) {
          response.writeHead(200)
          response.flushHeaders()
          if (broke) {
            if (from(question) === '11') response.write(line('ADDED', 'c', '12'))
            return inTime(question, response)
          }
          broke = true
          breaking(response, then => {
            const timer = setInterval(() => {
              if (heard.length < 2) return
              clearInterval(timer)
              then()
            }, 10)
          })
        },
      },
      { watchSeconds: 1 },
    )
    await until('it goes on', () => heard.length === 3)
    assert.deepEqual(heard, ['list 10: a', 'ADDED b 11', 'ADDED c 12'])
    assert.equal(lists().length, 1)
    assert.deepEqual(watches().slice(0, 2).map(from), ['10', '11'])
  })
}

for (const [name, forgotten] of [
  ['as an event', (r: ServerResponse) => r.writeHead(200).write(error(410, 'Expired'))],
  ['as a status', (r: ServerResponse) => failure(r, 410, 'Gone')],
] as const) {
  test(`410 ${name}: everything is listed anew, without a version`, async t => {
    let gone = true
    const { heard, followed, lists } = await following(t, {
      list: (_, response) => json(response, page([gone ? 'a' : 'b'], gone ? '10' : '20')),
      watch(question, response) {
        if (!gone) return saying()(question, response)
        gone = false
        forgotten(response)
      },
    })
    await until('both lists', () => heard.length === 2)
    assert.deepEqual(heard, ['list 10: a', 'list 20: b'])
    assert.ok(lists().every(question => from(question) === null))
    await until('all is well', () => followed.state().error === null)
  })
}

test('a server that ends every watch at once, or forgets every version, is not asked in a busy loop', async t => {
  let count = 0
  const { server } = await following(t, {
    list: listOfA,
    watch(_, response) {
      if (count++ % 2 === 0) response.writeHead(200).end()
      else failure(response, 410, 'Gone')
    },
  })
  // A list and two watches that fail, over and over: between the first and the third round five failures,
  // after which 100, 200, 400, 800 and 1600 ms are waited for, at least half of each.
  await until('a third round', () => server.asked.length > 8)
  const [first, last] = [server.asked[0], server.asked[8]]
  assert.ok(first && last && last.atMs - first.atMs > 1500, 'the pauses grow')
})

test('a refresh lists anew at once, in the middle of a watch, and is no failure', async t => {
  let lists = 0
  const { heard, followed, watches } = await following(
    t,
    {
      list: (_, response) => json(response, page([`a${++lists}`], String(10 * lists))),
      watch: saying(),
    },
    { watchSeconds: 60 },
  )
  await until('it watches', () => watches().length === 1)
  await Promise.all([followed.refresh(), followed.refresh()])
  assert.deepEqual(heard, ['list 10: a1', 'list 20: a2'])
  await until('it watches on from there', () => watches().length === 2)
  assert.deepEqual(watches().map(from), ['10', '20'])
  assert.equal(followed.state().restarts, 0)
})

test('changes come in order, one batch at a time, and the stream waits for a slow taker', async t => {
  const sent = 200
  let underWay = 0
  const taken: string[] = []
  await following(
    t,
    {
      list: listOfA,
      watch: saying(response => {
        for (let i = 0; i < sent; i++) response.write(line('MODIFIED', `s${i}`, String(11 + i)))
      }),
    },
    {
      async changed(changes) {
        assert.equal(++underWay, 1)
        await after(5)
        underWay--
        taken.push(...changes.map(({ item }) => item))
      },
      watchSeconds: 1,
    },
  )
  await until('all are taken', () => taken.length >= sent)
  assert.deepEqual(
    taken,
    Array.from({ length: sent }, (_, i) => `s${i}`),
  )
})

test('changes that could not be taken come again; those taken before do not', async t => {
  let refusals = 2
  const taken: string[] = []
  const { followed } = await following(
    t,
    {
      list: listOfA,
      watch(question, response) {
        response.writeHead(200)
        for (const version of [11, 12, 13]) {
          if (version > Number(from(question))) {
            response.write(line('ADDED', `s${version}`, String(version)))
          }
        }
        inTime(question, response)
      },
    },
    {
      changed(changes) {
        const items = changes.map(({ item }) => item)
        if (items.includes('s12') && refusals-- > 0) throw new Error('Redis is away')
        taken.push(...items)
      },
    },
  )
  await until('all are taken', () => taken.length === 3)
  assert.deepEqual(taken, ['s11', 's12', 's13'])
  assert.equal(followed.state().restarts, 2)
  assert.equal(followed.state().error, null)
})

test('two followers of one server do not disturb each other', async t => {
  let busy = false
  let release = () => {}
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  const slow = await following(
    t,
    { list: listOfA, watch: saying(response => response.write(line('ADDED', 'b', '11'))) },
    {
      changed() {
        busy = true
        return released
      },
    },
  )
  await until('the first is busy', () => busy)
  const api = await connectKubernetes({ kubeconfig: slow.server.kubeconfig, context: null })
  const heard: string[] = []
  let watches = 0
  slow.server.answer((question, response) => {
    if (!question.url.searchParams.has('watch')) return listOfA(question, response)
    response.writeHead(200)
    if (watches++ === 0) response.write(line('ADDED', 'b', '11'))
    inTime(question, response)
  })
  const second = follow<string>(api, {
    path: PATH,
    project: nameOf,
    listed: items => void heard.push(...items),
    changed: changes => void heard.push(...changes.map(({ item }) => item)),
    log: keptLog(),
  })
  try {
    await until('the second has all', () => heard.length === 2)
    assert.deepEqual(heard, ['a', 'b'])
  } finally {
    release()
    await second.stop()
    api.close()
  }
})

test('stopping ends it at once, and nothing is called afterwards', async t => {
  const { followed, heard, server } = await following(t, {
    list: listOfA,
    watch: saying(response => {
      const drip = setInterval(() => response.write(line('MODIFIED', 'a', '11')), 5)
      response.on('close', () => clearInterval(drip))
    }),
  })
  await until('events flow', () => heard.length > 3)
  await followed.stop()
  const [calls, asked] = [heard.length, server.asked.length]
  await after(100)
  assert.deepEqual([heard.length, server.asked.length], [calls, asked])
})

test('stopped before the first list: synced says so', async t => {
  const { followed } = await following(t, { list: () => {}, watch: saying() })
  await followed.stop()
  await assert.rejects(followed.synced, /stopped before \/api\/v1\/services was listed/)
})
