import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Schedule } from '../../../functions/announce/schedule.ts'

interface Sent {
  readonly address: number
  readonly atMs: number
}

/** Lets the schedule have its way until then, on a clock that jumps from one due time to the next. */
function play(schedule: Schedule<number>, untilMs: number, random = () => 0.5): Sent[] {
  const sent: Sent[] = []
  for (let nowMs = schedule.nextMs(); nowMs <= untilMs; nowMs = schedule.nextMs()) {
    for (const address of schedule.due(nowMs, random())) sent.push({ address, atMs: nowMs })
  }
  return sent
}

const timesOf = (sent: readonly Sent[], address: number) =>
  sent.filter(one => one.address === address).map(one => one.atMs)

describe('announcements of one address', () => {
  test('come at 0, 0.2, 1.2, 2.4 and 5 s after it is new, then every 90 s', () => {
    const schedule = new Schedule<number>()
    schedule.start(1, 1000)
    const times = timesOf(play(schedule, 300_000), 1)
    assert.deepEqual(times, [1000, 1200, 2200, 3400, 6000, 96_000, 186_000, 276_000])
  })

  test('refreshes come 72 to 108 s apart, by chance', () => {
    for (const [random, gapMs] of [
      [0, 72_000],
      [0.5, 90_000],
      [1, 108_000],
    ] as const) {
      const schedule = new Schedule<number>()
      schedule.start(1, 0)
      const times = timesOf(
        play(schedule, 250_000, () => random),
        1,
      )
      assert.equal(Math.round((times[5] ?? 0) - (times[4] ?? 0)), gapMs)
      assert.equal(Math.round((times[6] ?? 0) - (times[5] ?? 0)), gapMs)
    }
  })

  test('begin again when it is started again, and end when it is stopped', () => {
    const schedule = new Schedule<number>()
    schedule.start(1, 0)
    play(schedule, 1500)
    schedule.start(1, 2000)
    assert.deepEqual(timesOf(play(schedule, 4000), 1), [2000, 2200, 3200])
    schedule.stop(1)
    assert.equal(schedule.nextMs(), Number.POSITIVE_INFINITY)
    assert.deepEqual(play(schedule, 500_000), [])
  })

  test('that come late are sent once, and keep their distances from then on', () => {
    const schedule = new Schedule<number>()
    schedule.start(1, 0)
    assert.deepEqual(schedule.due(60_000, 0.5), [1])
    assert.deepEqual(timesOf(play(schedule, 66_000), 1), [60_200, 61_200, 62_400, 65_000])
  })

  test('nothing is due before it is, and never without an address', () => {
    const schedule = new Schedule<number>()
    assert.equal(schedule.nextMs(), Number.POSITIVE_INFINITY)
    schedule.start(1, 100)
    assert.deepEqual(schedule.due(99, 0.5), [])
    assert.deepEqual(schedule.due(100, 0.5), [1])
  })
})

describe('a thousand addresses', () => {
  const addresses = Array.from({ length: 1000 }, (_, i) => i)
  const schedule = new Schedule<number>()
  for (const address of addresses) schedule.start(address, 0)
  let step = 0
  const sent = play(schedule, 400_000, () => (step++ * 0.618_034) % 1)

  test('are all announced within 0.1 s, 128 at a time with pauses', () => {
    const first = addresses.map(address => timesOf(sent, address)[0] ?? Number.NaN)
    assert.ok(Math.max(...first) <= 100, `${Math.max(...first)}`)
    const batches = new Map<number, number>()
    for (const { atMs } of sent) batches.set(atMs, (batches.get(atMs) ?? 0) + 1)
    assert.ok(Math.max(...batches.values()) <= 128)
    const times = [...batches.keys()]
    assert.ok(times.every((time, i) => i === 0 || time - (times[i - 1] ?? 0) >= 4))
  })

  test('each five times in its first 5.1 s, and then it takes its turn', () => {
    for (const address of addresses) {
      const times = timesOf(sent, address)
      assert.ok((times[4] ?? Number.NaN) <= 5500, `${address}: ${times}`)
      assert.ok((times[5] ?? Number.NaN) <= 5000 + 1.3 * 90_000, `${address}: ${times}`)
    }
  })

  test('each is refreshed every 90 s or so, spread evenly: never two dozen in one second', () => {
    const refreshes = sent.filter(({ atMs }) => atMs > 7000)
    for (const address of addresses) {
      const times = timesOf(refreshes, address)
      const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0))
      assert.ok(times.length >= 3, `${address} has ${times.length}`)
      assert.ok(
        gaps.every(gap => gap > 70_000 && gap < 120_000),
        `${address}: ${gaps}`,
      )
    }
    const seconds = new Map<number, number>()
    for (const { atMs } of refreshes) {
      const second = Math.floor(atMs / 1000)
      seconds.set(second, (seconds.get(second) ?? 0) + 1)
    }
    assert.ok(Math.max(...seconds.values()) < 24)
  })
})
