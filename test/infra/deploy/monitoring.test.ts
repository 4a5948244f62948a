/** The dashboard and the alerts speak of nothing but what the processes show. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { CATALOG, type Metric } from '../../../infra/metrics/catalog.ts'
import { anchorOf } from '../../support/anchor.ts'

const read = (name: string) =>
  readFileSync(new URL(`../../../infra/deploy/monitoring/${name}`, import.meta.url), 'utf8')

const Rules = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^Herald[A-Za-z0-9]+$/),
          expr: z.string().min(1),
          for: z
            .string()
            .regex(/^\d+[smh]$/)
            .optional(),
          labels: z.strictObject({ severity: z.enum(['warning', 'critical']) }),
          annotations: z.strictObject({
            summary: z.string(),
            description: z.string().optional(),
            runbook_url: z.string(),
          }),
        }),
      ),
    }),
  ),
})
const rules = Rules.parse(parse(read('alerts.yaml'))).groups.flatMap(group => group.rules)

const Panel = z.object({
  id: z.number(),
  title: z.string().min(1),
  type: z.enum(['row', 'stat', 'timeseries']),
  gridPos: z.object({ h: z.number(), w: z.number(), x: z.number(), y: z.number() }),
  targets: z.array(z.object({ expr: z.string().min(1), refId: z.string() })).optional(),
})
const Dashboard = z.object({ title: z.literal('Herald'), panels: z.array(Panel) })
const { panels } = Dashboard.parse(JSON.parse(read('dashboard.json')))

const known: Record<string, Metric> = CATALOG
/** What prom-client itself collects, as far as it is spoken of. */
const OF_NODE = [
  'process_resident_memory_bytes',
  'process_cpu_seconds_total',
  'nodejs_eventloop_lag_p99_seconds',
]

/** What an expression says that no process shows; a label of a metric that has it not counts too. */
function unknownIn(expr: string): string[] {
  const names = [...expr.matchAll(/\b(?:metallb|herald|process|nodejs)_[a-z0-9_]+/g)].map(
    ([name]) => name,
  )
  assert.ok(names.length > 0, `${expr} speaks of no metric`)
  const metrics = names.map(name => {
    const base = name.replace(/_(bucket|count|sum)$/, '')
    return { name, metric: known[name] ?? (known[base]?.type === 'histogram' ? known[base] : null) }
  })
  const missing = metrics.filter(({ name, metric }) => !metric && !OF_NODE.includes(name))
  const allowed = new Set([
    ...['le', 'job', 'instance'],
    ...metrics.flatMap(({ metric }) => metric?.labels ?? []),
  ])
  const labels = [
    ...[...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list]) => (list ?? '').split(/, */)),
    ...[...expr.matchAll(/([a-z_]+)(?:=~|!~|!=|=)"/g)].map(([, label]) => label ?? ''),
  ]
  return [...missing.map(one => one.name), ...labels.filter(label => !allowed.has(label))]
}

for (const { alert, expr, annotations } of rules) {
  test(`alert ${alert}: every metric and label exists`, () => {
    assert.deepEqual(unknownIn(expr), [])
    const text = `${annotations.summary} ${annotations.description ?? ''}`
    for (const [, label] of text.matchAll(/\$labels\.([a-z]+)/g)) {
      assert.ok(label === 'instance' || expr.includes(label ?? '') || hasLabel(expr, label ?? ''))
    }
  })
}

const hasLabel = (expr: string, label: string): boolean =>
  Object.entries(known).some(([name, one]) => expr.includes(name) && one.labels.includes(label))

for (const { title, targets = [] } of panels) {
  if (targets.length === 0) continue
  test(`panel "${title}": every metric and label exists`, () => {
    for (const { expr } of targets) assert.deepEqual(unknownIn(expr), [])
  })
}

test('a name or a label that does not exist is found', () => {
  assert.deepEqual(unknownIn('rate(herald_placement_total[1m])'), ['herald_placement_total'])
  assert.deepEqual(unknownIn('sum by (pol) (herald_placements_total)'), ['pol'])
  assert.deepEqual(unknownIn('herald_placements_total_bucket'), ['herald_placements_total_bucket'])
})

test('alerts that MetalLB’s users know are there, with its thresholds', () => {
  const names = rules.map(rule => rule.alert)
  for (const name of [
    'StaleConfig',
    'ConfigNotLoaded',
    'AddressPoolExhausted',
    'AddressPoolUsage75Percent',
    'AddressPoolUsage85Percent',
    'AddressPoolUsage95Percent',
  ]) {
    assert.ok(names.includes(`Herald${name}`), name)
  }
  assert.equal(new Set(names).size, names.length)
})

test('each alert leads to its heading in OPERATE.md, and each heading is of an alert', () => {
  const page = readFileSync(new URL('../../../infra/deploy/OPERATE.md', import.meta.url), 'utf8')
  const headings = [...page.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading ?? '')
  const written = headings.flatMap(heading =>
    heading.split(', ').map(alert => [alert, `infra/deploy/OPERATE.md#${anchorOf(heading)}`]),
  )
  const led = rules.map(rule => [rule.alert, rule.annotations.runbook_url])
  assert.deepEqual(Object.fromEntries(written), Object.fromEntries(led))
})

test('no panel lies on another, and each has an id of its own', () => {
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
  )
  assert.equal(new Set(cells).size, cells.length)
  assert.equal(new Set(panels.map(one => one.id)).size, panels.length)
})
