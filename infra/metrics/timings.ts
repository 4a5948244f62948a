import type { MetricValueWithName } from 'prom-client'

/**
 * A histogram that costs a tenth of prom-client's, in whose registry it stands: who observes often keeps the series of
 * his labels, and no label is looked at again.
 */
export class Timings {
  readonly name: string
  readonly help: string
  readonly #buckets: readonly number[]
  readonly #series = new Map<string, Series>()

  /** Upper bounds in seconds, ascending. */
  constructor(name: string, help: string, buckets: readonly number[]) {
    this.name = name
    this.help = help
    this.#buckets = buckets
  }

  series(labels: Readonly<Record<string, string>>): Series {
    const key = JSON.stringify(labels)
    const known = this.#series.get(key)
    if (known) return known
    const made = new Series(labels, this.#buckets)
    this.#series.set(key, made)
    return made
  }

  /** As the registry asks. */
  async get() {
    const values = [...this.#series.values()].flatMap(one => one.values(this.name))
    return { name: this.name, help: this.help, type: 'histogram', values, aggregator: 'sum' }
  }

  reset(): void {
    this.#series.clear()
  }
}

class Series {
  readonly #labels: Readonly<Record<string, string>>
  readonly #bounds: readonly number[]
  readonly #counts: Float64Array
  #sum = 0

  constructor(labels: Readonly<Record<string, string>>, bounds: readonly number[]) {
    this.#labels = labels
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  observe(seconds: number): void {
    const bounds = this.#bounds
    let at = 0
    while (at < bounds.length && seconds > (bounds[at] ?? 0)) at++
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    this.#sum += seconds
  }

  /** Cumulative, as Prometheus wants them. */
  values(name: string): MetricValueWithName<string>[] {
    let upTo = 0
    const buckets = [...this.#bounds, '+Inf'].map((le, at) => {
      upTo += this.#counts[at] ?? 0
      return { metricName: `${name}_bucket`, labels: { ...this.#labels, le }, value: upTo }
    })
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels: this.#labels, value: this.#sum },
      { metricName: `${name}_count`, labels: this.#labels, value: upTo },
    ]
  }
}
