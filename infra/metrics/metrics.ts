/**
 * The metrics of one process, in a registry of its own. A metric is there from the first time that it is set, so
 * nothing is shown that nobody measures. What must be asked for (Redis, the link) is asked when somebody scrapes.
 */
import { Counter, collectDefaultMetrics, Gauge, type Histogram, Registry } from 'prom-client'
import type { Logger } from '../log.ts'
import { CATALOG, type Metric, type MetricName } from './catalog.ts'
import { Timings } from './timings.ts'

type NamesOf<T extends Metric['type']> = {
  [N in MetricName]: (typeof CATALOG)[N]['type'] extends T ? N : never
}[MetricName]

/** One value for each label of the metric. */
export type LabelsOf<N extends MetricName> = Readonly<
  Record<(typeof CATALOG)[N]['labels'][number], string>
>

export interface Timing {
  observe(seconds: number): void
}

export interface Metrics {
  /** Adds to a counter; 0 shows it before anything has happened. */
  count<N extends NamesOf<'counter'>>(name: N, labels: LabelsOf<N>, by?: number): void
  set<N extends NamesOf<'gauge'>>(name: N, labels: LabelsOf<N>, value: number): void
  observe<N extends NamesOf<'histogram'>>(name: N, labels: LabelsOf<N>, seconds: number): void
  /** For who observes often: observes with these labels. */
  timing<N extends NamesOf<'histogram'>>(name: N, labels: LabelsOf<N>): Timing
  /** Forgets every series of these: for what is told anew at each scrape. */
  clear(names: readonly MetricName[]): void
  /** Run before each scrape, at most 1.5 s: what is late or fails is left out, and logged. */
  beforeScrape(task: () => Promise<void>): void
  /** In the text format of Prometheus, with its content type. */
  scrape(): Promise<{ readonly type: string; readonly text: string }>
}

/** A scrape must end within Prometheus' own 10 s, and within the 2 s in which `up` expects an answer of its processes. */
const PATIENCE_MS = 1500

export function openMetrics(log: Logger): Metrics {
  const registry = new Registry()
  let scraped = false
  const tasks: (() => Promise<void>)[] = []
  const known = new Map<MetricName, Counter | Gauge | Timings>()
  const open = <T extends Counter | Gauge | Timings>(name: MetricName, make: () => T): T => {
    const found = known.get(name)
    if (found) return found as T // its name decides its type
    const made = make()
    known.set(name, made)
    return made
  }
  const registers = [registry]
  const settings = (name: MetricName) => {
    const { help, labels }: Metric = CATALOG[name]
    return { name, help, labelNames: [...labels], registers }
  }
  const timing = (name: NamesOf<'histogram'>, labels: Readonly<Record<string, string>>): Timing =>
    open(name, () => {
      const { help, buckets = [] }: Metric = CATALOG[name]
      const timings = new Timings(name, help, buckets)
      registry.registerMetric(timings as unknown as Histogram) // it asks no more than `get` of it
      return timings
    }).series(labels)
  return {
    count(name, labels, by = 1) {
      open(name, () => new Counter(settings(name))).inc(labels, by)
    },
    set(name, labels, value) {
      open(name, () => new Gauge(settings(name))).set(labels, value)
    },
    observe: (name, labels, seconds) => timing(name, labels).observe(seconds),
    timing,
    clear(names) {
      for (const name of names) known.get(name)?.reset()
    },
    beforeScrape: task => void tasks.push(task),
    async scrape() {
      // Until somebody wants to know, the event loop and the garbage collection are not observed.
      if (!scraped) collectDefaultMetrics({ register: registry })
      scraped = true
      await Promise.all(
        tasks.map(task =>
          inTime(task()).catch(error => log.debug({ error }, 'left out of this scrape')),
        ),
      )
      return { type: registry.contentType, text: await registry.metrics() }
    },
  }
}

async function inTime(task: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer for ${PATIENCE_MS} ms`)), PATIENCE_MS)
  })
  await Promise.race([task, late]).finally(() => clearTimeout(timer))
}
