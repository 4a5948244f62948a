/**
 * V8 collects garbage when it needs room, and a process at rest needs none: what a burst has left behind would stay for
 * hours (20 MB after 1,000 addresses). This collects it once the process has come to rest.
 */
import { Session } from 'node:inspector'
import { performance } from 'node:perf_hooks'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const EVERY_MS = 10_000
/** Of the time since the last look, what the event loop of a process at rest was busy. */
const BUSY = 0.1
/** A heap that has grown by less is left alone. */
const WORTH_BYTES = 4 * 1024 * 1024

/** For as long as the process lives; a collection stops this thread for some 50 ms. `also` is for other threads. */
export function collectAtRest(also: () => void, everyMs = EVERY_MS): NodeJS.Timeout {
  const session = new Session()
  session.connect()
  let before = performance.eventLoopUtilization()
  let keptBytes = 0
  const look = () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    if (utilization > BUSY || heapBytes() < keptBytes + WORTH_BYTES) return
    also()
    // Chrome DevTools Protocol: all that can go, and the room that was made for new objects with it.
    session.post('HeapProfiler.collectGarbage', () => {
      keptBytes = heapBytes()
    })
  }
  return setInterval(look, everyMs).unref()
}

const heapBytes = () => getHeapStatistics().total_physical_size

/** At once, in a thread without an event loop, which the inspector would wait for. Room for new objects stays as it is. */
export function collectNow(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc()')
}
