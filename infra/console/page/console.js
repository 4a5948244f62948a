/**
 * Listens to what changes and shows it. A connection that breaks is made again by the browser, and everything told anew;
 * one that falls silent, or was answered with an error (a proxy's, while the console was away), by the page.
 */
import { poolOf } from './pools.js'
import { ageOf, logLine, tableOf } from './rows.js'

const SAMPLES_MOST = 360
/** The server says something every 10 s. */
const SILENCE_MS = 25_000

const by = id => document.getElementById(id)
const rows = { services: new Map(), pools: new Map(), nodes: new Map(), queues: new Map() }
const pools = new Map()
let maps = new Map()
let samples = []
let source = null
let heardMs = 0
let drawing = false

const tables = {
  services: tableOf('services', by('service-rows'), explain),
  nodes: tableOf('nodes', by('node-rows'), explain),
  queues: tableOf('queues', by('queue-rows'), explain),
}

const HEAR = {
  alive() {},
  trouble(words) {
    by('trouble').textContent = words ?? ''
    by('trouble').hidden = words === null
  },
  rows({ kind, changed, gone, all }) {
    if (all) rows[kind].clear()
    document.body.classList.add('told')
    for (const name of gone) rows[kind].delete(name)
    for (const row of changed) rows[kind].set(row.name, row)
  },
  maps(list) {
    for (const map of list) maps.set(map.pool, map)
  },
  samples(list) {
    samples = [...samples, ...list].slice(-SAMPLES_MOST)
  },
  history(entries) {
    for (const { atMs, what, service, addresses, pool, why } of entries) {
      const whom = `${what === 'released' ? 'by' : 'for'} ${service}`
      logLine(
        by('entries'),
        atMs,
        `${what} ${addresses.join(', ')} ${whom}${pool ? ` (${pool})` : ''}: ${why}`,
      )
    }
  },
  moved(list) {
    for (const { atMs, address, from, to } of list) {
      logLine(by('moves'), atMs, `${address} moved from ${from} to ${to}`)
    }
  },
}

listen()
setInterval(() => {
  for (const kind of ['services', 'nodes', 'queues']) if (rows[kind].size > 0) draw()
  const silent = Date.now() - heardMs > SILENCE_MS
  if (!silent && source.readyState !== EventSource.CLOSED) return
  lost()
  listen()
}, 5000)
for (const id of ['filter', 'only-waiting']) by(id).addEventListener('input', draw)

function listen() {
  source?.close()
  source = new EventSource('events')
  heardMs = Date.now()
  source.addEventListener('open', () => {
    samples = []
    maps = new Map()
    by('entries').replaceChildren()
    by('moves').replaceChildren()
    by('state').textContent = 'Live'
    HEAR.trouble(null)
  })
  source.addEventListener('error', lost)
  for (const [event, hear] of Object.entries(HEAR)) {
    source.addEventListener(event, message => {
      heardMs = Date.now()
      hear(JSON.parse(message.data))
      draw()
    })
  }
}

function lost() {
  by('state').textContent = 'Not connected'
  HEAR.trouble('The console does not answer. What is shown may be out of date; trying again.')
}

/** At most once a frame, however much was heard. */
function draw() {
  if (drawing) return
  drawing = true
  requestAnimationFrame(() => {
    drawing = false
    drawPools()
    drawServices()
    tables.nodes.show(
      sorted(rows.nodes).map(row => ({
        ...row,
        age: [ageOf(row.behindSinceMs), ageOf(row.endedMs)],
      })),
    )
    tables.queues.show(sorted(rows.queues).map(row => ({ ...row, age: ageOf(row.oldestMs) })))
  })
}

function sorted(map) {
  return [...map.values()].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
}

function drawServices() {
  const words = by('filter').value.toLowerCase()
  const waiting = by('only-waiting').checked
  const fits = row =>
    (!waiting || row.reason !== null) &&
    [row.name, row.addresses, row.pool, row.nodes, row.message]
      .flat()
      .join(' ')
      .toLowerCase()
      .includes(words)
  const found = sorted(rows.services).filter(fits)
  const count = tables.services.show(found.map(row => ({ ...row, age: ageOf(row.sinceMs) })))
  const more =
    count < found.length
      ? `${count} of ${found.length} shown; filter to see others`
      : `${count} shown`
  const text = `${rows.services.size} Services, ${more}`
  if (by('service-count').textContent !== text) by('service-count').textContent = text
}

function drawPools() {
  for (const [name, pool] of pools) {
    if (rows.pools.has(name)) continue
    pool.box.remove()
    pools.delete(name)
  }
  for (const row of sorted(rows.pools)) {
    const pool = pools.get(row.name) ?? poolOf(row.name, explain)
    if (!pools.has(row.name)) by('pool-list').append(pool.box)
    pools.set(row.name, pool)
    pool.row(row)
    const map = maps.get(row.name)
    if (map) pool.map(map)
    pool.use(samples)
  }
}

async function explain(kind, name) {
  by('why-title').textContent = `Why is ${name} as it is?`
  by('why-lines').replaceChildren()
  const answer = await fetch(`explain/${kind}/${name}`)
    .then(one => one.json())
    .catch(() => ({ trouble: 'The console does not answer.' }))
  const lines = answer.lines ?? [['trouble', answer.trouble]]
  for (const [term, words] of lines) {
    const [head, body] = [document.createElement('dt'), document.createElement('dd')]
    head.textContent = term
    body.textContent = words
    by('why-lines').append(head, body)
  }
  if (!by('why').open) by('why').showModal()
}
