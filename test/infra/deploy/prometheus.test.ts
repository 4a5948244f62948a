/** What Prometheus itself makes of the alerts and of the dashboard. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'yaml'
import { CATALOG, type Metric } from '../../../infra/metrics/catalog.ts'
import { needs } from '../../support/capabilities.ts'

const MONITORING = new URL('../../../infra/deploy/monitoring/', import.meta.url)
const ALERTS = fileURLToPath(new URL('alerts.yaml', MONITORING))

/** By series: its samples, one every 15 s, in promtool's short form (`from+step x times`). */
type Samples = Readonly<Record<string, string>>
interface Story {
  readonly alert: string
  readonly atWorst: Samples
  /** As near to it as must not matter. */
  readonly quiet: Samples
  /** What it says beside its severity. */
  readonly labels?: Readonly<Record<string, string>>
}

const constant = (value: number | string) => `${value}x80`
const used = (count: number | string): Samples => ({
  'metallb_allocator_addresses_in_use_total{pool="p"}': constant(count),
  'metallb_allocator_addresses_total{pool="p"}': constant(100),
})
/** Ten observations at each scrape, all of them in the bucket that ends with `le`. */
const observed = (name: keyof typeof CATALOG, le: number): Samples => {
  const { buckets = [] }: Metric = CATALOG[name]
  assert.ok(buckets.includes(le), `${name} has the bucket ${le}`)
  const filled = (bound: number) => (bound < le ? '0x80' : '0+10x80')
  return Object.fromEntries([
    ...buckets.map(bound => [`${name}_bucket{le="${bound}"}`, filled(bound)]),
    [`${name}_bucket{le="+Inf"}`, '0+10x80'],
  ])
}

const STORIES: readonly Story[] = [
  {
    alert: 'HeraldConfigNotLoaded',
    atWorst: { 'metallb_k8s_client_config_loaded_bool{instance="w"}': constant(0) },
    quiet: { 'metallb_k8s_client_config_loaded_bool{instance="w"}': '0x2 1x80' },
    labels: { instance: 'w' },
  },
  {
    alert: 'HeraldStaleConfig',
    atWorst: { 'metallb_k8s_client_config_stale_bool{instance="w"}': constant(1) },
    quiet: { 'metallb_k8s_client_config_stale_bool{instance="w"}': '1x2 0x80' },
    labels: { instance: 'w' },
  },
  {
    alert: 'HeraldAddressPoolExhausted',
    atWorst: used(100),
    quiet: used(99),
    labels: { pool: 'p' },
  },
  ...[95, 85, 75].map(percent => ({
    alert: `HeraldAddressPoolUsage${percent}Percent`,
    atWorst: used(percent + 1),
    quiet: used(percent),
    labels: { pool: 'p' },
  })),
  {
    alert: 'HeraldServicesWaiting',
    atWorst: { 'herald_services_waiting{instance="a"}': constant(1) },
    quiet: { 'herald_services_waiting{instance="a"}': '1x12 0x80' }, // three minutes
  },
  {
    alert: 'HeraldNodeSilent',
    atWorst: { 'herald_leases_lapsed{cluster="c"}': constant(1) },
    quiet: { 'herald_leases_lapsed{cluster="c"}': '1x2 0x80' },
    labels: { cluster: 'c' },
  },
  {
    alert: 'HeraldAddressConflict',
    // Once is enough; and while a new address is probed it is no conflict yet.
    atWorst: { 'herald_address_conflicts_total{instance="n",during="announcement"}': '0x70 1x10' },
    quiet: { 'herald_address_conflicts_total{instance="n",during="probe"}': '0+1x80' },
    labels: { instance: 'n' },
  },
  {
    alert: 'HeraldBeatsNotHeard',
    atWorst: { 'herald_liveness_alarms_total{instance="n",reason="beatsBlocked"}': '0+1x80' },
    quiet: { 'herald_liveness_alarms_total{instance="n",reason="beatsBlocked"}': '0x70 1x10' },
    labels: { instance: 'n', reason: 'beatsBlocked' },
  },
  {
    alert: 'HeraldNoInterface',
    atWorst: { 'herald_announcer_interfaces{instance="n"}': constant(0) },
    quiet: { 'herald_announcer_interfaces{instance="n"}': constant(1) },
    labels: { instance: 'n' },
  },
  {
    alert: 'HeraldKernelAnswers',
    atWorst: { 'herald_kernel_answers{instance="n"}': constant(3) },
    quiet: { 'herald_kernel_answers{instance="n"}': constant(0) },
    labels: { instance: 'n' },
  },
  {
    alert: 'HeraldLeaseNotRenewed',
    atWorst: { 'herald_lease_renewals_failed_total{instance="n"}': '0+15x80' }, // each second
    quiet: { 'herald_lease_renewals_failed_total{instance="n"}': '0x70 20x10' },
    labels: { instance: 'n' },
  },
  {
    alert: 'HeraldNoAllocator',
    atWorst: { 'herald_services_waiting{instance="a"}': '0x40 _x40' },
    quiet: { 'herald_services_waiting{instance="a"}': constant(0) },
  },
  {
    alert: 'HeraldQueueStuck',
    atWorst: { 'herald_queue_oldest_job_age_seconds{queue="allocate"}': '0+15x80' },
    quiet: { 'herald_queue_oldest_job_age_seconds{queue="allocate"}': constant(30) },
    labels: { queue: 'allocate' },
  },
  {
    alert: 'HeraldUnanswered',
    atWorst: { 'herald_queue_unanswered{queue="place"}': constant(1) },
    quiet: { 'herald_queue_unanswered{queue="place"}': '5x50 0 5x50' },
    labels: { queue: 'place' },
  },
  {
    alert: 'HeraldJobsFailing',
    atWorst: { 'herald_job_duration_seconds_count{queue="place",outcome="failed"}': '0+2x80' },
    quiet: { 'herald_job_duration_seconds_count{queue="place",outcome="done"}': '0+100x80' },
    labels: { queue: 'place' },
  },
  {
    alert: 'HeraldStatusSlow',
    atWorst: observed('herald_service_status_lag_seconds', 30),
    quiet: observed('herald_service_status_lag_seconds', 10),
  },
  {
    alert: 'HeraldRedisSlow',
    atWorst: observed('herald_redis_ping_seconds', 0.5),
    quiet: observed('herald_redis_ping_seconds', 0.1),
  },
  {
    alert: 'HeraldApiServerRefuses',
    atWorst: { 'herald_kubernetes_request_duration_seconds_count{code="403"}': '0+15x80' },
    quiet: { 'herald_kubernetes_request_duration_seconds_count{code="409"}': '0+15x80' },
    labels: { code: '403' },
  },
  {
    alert: 'HeraldWatchesBreak',
    atWorst: { 'herald_watch_restarts_total{instance="w",kind="services"}': '0+1x80' },
    quiet: { 'herald_watch_restarts_total{instance="w",kind="services"}': '0x60 10x20' },
    labels: { instance: 'w', kind: 'services' },
  },
]

const { groups } = parse(readFileSync(ALERTS, 'utf8')) as {
  groups: { rules: { alert: string; labels: { severity: string } }[] }[]
}
const severities = new Map(
  groups.flatMap(group => group.rules).map(({ alert, labels }) => [alert, labels.severity]),
)

/** Whether an alert fires, with these labels, after 20 minutes of samples. */
function promise({ alert, labels }: Story, samples: Samples, fires: boolean) {
  const shown = { alertname: alert, alertstate: 'firing', ...labels }
  const all = { ...shown, severity: severities.get(alert) }
  return {
    name: `${alert} ${fires ? 'fires' : 'is silent'}`,
    interval: '15s',
    input_series: Object.entries(samples).map(([series, values]) => ({ series, values })),
    promql_expr_test: [
      {
        expr: `ALERTS{alertname="${alert}", alertstate="firing"}`,
        eval_time: '20m',
        exp_samples: fires ? [{ labels: `ALERTS${selector(all)}`, value: 1 }] : [],
      },
    ],
  }
}

const selector = (labels: Readonly<Record<string, unknown>>) =>
  `{${Object.entries(labels).map(([name, value]) => `${name}="${value}"`)}}`

test('every alert has a story', () => {
  assert.deepEqual([...severities.keys()].sort(), STORIES.map(one => one.alert).sort())
})

/** What promtool has to say of a file of these contents; nothing, if nothing is wrong. */
function faultOf(command: 'check' | 'test', contents: object): string {
  const folder = mkdtempSync(join(tmpdir(), 'herald-promtool-'))
  try {
    const path = join(folder, 'rules.yaml')
    writeFileSync(path, stringify(contents))
    const asked = spawnSync('promtool', [command, 'rules', path], { encoding: 'utf8' })
    return asked.status === 0 ? '' : `${asked.stdout}${asked.stderr}`
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('each alert fires on what it is for, and on nothing less', needs('promtool'), () => {
  const tests = STORIES.flatMap(story => [
    promise(story, story.atWorst, true),
    promise(story, story.quiet, false),
  ])
  assert.equal(faultOf('test', { rule_files: [ALERTS], evaluation_interval: '15s', tests }), '')
})

const { panels } = JSON.parse(readFileSync(new URL('dashboard.json', MONITORING), 'utf8')) as {
  panels: { title: string; targets?: { expr: string }[] }[]
}
const queries = panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({ title, expr: expr.replaceAll('$__rate_interval', '1m') })),
)

test('Prometheus understands every query of the dashboard', needs('promtool'), () => {
  const rules = queries.map(({ expr }, index) => ({ record: `panel_${index}`, expr }))
  assert.equal(faultOf('check', { groups: [{ name: 'dashboard', rules }] }), '')
})

test('the dashboard shows no process but Herald’s', needs('promtool'), () => {
  const ofNode = queries.filter(({ expr }) => /\b(process|nodejs)_/.test(expr))
  assert.equal(ofNode.length, 3)
  const series = ['process_resident_memory_bytes', 'process_cpu_seconds_total']
    .concat('nodejs_eventloop_lag_p99_seconds')
    .flatMap(name => [`${name}{job="j",instance="ours"}`, `${name}{job="j",instance="another"}`])
    .concat('herald_redis_ping_seconds_count{job="j",instance="ours"}')
  const tests = ofNode.map(({ title, expr }) => ({
    name: title,
    interval: '15s',
    input_series: series.map(one => ({ series: one, values: '1x80' })),
    promql_expr_test: [
      {
        expr: `count by (instance) (${expr})`,
        eval_time: '20m',
        exp_samples: [{ labels: '{instance="ours"}', value: 1 }],
      },
    ],
  }))
  assert.equal(faultOf('test', { rule_files: [ALERTS], tests }), '')
})
