/** Tables and lists: what each row shows, and how it is brought up to date without building the others anew. */

/** More would make the page slow; the filter finds the others. */
const SERVICES_MOST = 300
const LOG_MOST = 100

const NOTHING = '–'

const UNITS_S = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'm'],
]

export function ageOf(sinceMs) {
  if (typeof sinceMs !== 'number') return NOTHING
  const seconds = Math.max(0, Math.floor((Date.now() - sinceMs) / 1000))
  const [size, unit] = UNITS_S.find(([one]) => seconds >= 2 * one) ?? [1, 's']
  return `${Math.floor(seconds / size)}${unit}`
}

const text = value =>
  value === null || value === undefined || value.length === 0 ? NOTHING : [value].flat().join(', ')

const CELLS = {
  services: (row, explain) => [
    opening(row.name, () => explain('service', row.name)),
    text(row.addresses),
    text(row.pool),
    text(row.nodes),
    ageOf(row.sinceMs),
    row.message ? bad(row.message) : row.reason === 'NotDecidedYet' ? 'being decided' : NOTHING,
  ],
  nodes: row => [
    row.name,
    row.lease === 'renewed'
      ? `renewed${row.drained ? ', drained' : ''}`
      : bad(row.lease === 'ended' ? `ended: silent for ${ageOf(row.endedMs)}` : 'none'),
    `${row.groups}`,
    ageOf(row.behindSinceMs),
    text(row.interfaces),
    text(row.hears),
    text(row.epoch),
  ],
  queues: row => [
    row.name,
    ...[row.waiting, row.active, row.delayed].map(String),
    row.failed > 0 ? bad(String(row.failed)) : '0',
    ageOf(row.oldestMs),
    String(row.unanswered),
  ],
}

function bad(words) {
  return { words, className: 'bad' }
}

function opening(words, open) {
  const button = document.createElement('button')
  button.type = 'button'
  button.textContent = words
  button.title = `Why is ${words} as it is?`
  button.addEventListener('click', open)
  return button
}

/** A table of one kind; `rows` is by name. */
export function tableOf(kind, body, explain) {
  const lines = new Map()
  const heads = [...body.closest('table').tHead.rows[0].cells].map(one => one.textContent)
  const draw = row => {
    const line = document.createElement('tr')
    for (const [at, cell] of CELLS[kind](row, explain).entries()) {
      const field = document.createElement(at === 0 ? 'th' : 'td')
      if (at === 0) field.scope = 'row'
      if (cell instanceof Node) field.append(cell)
      else field.textContent = cell.words ?? cell
      if (cell.className && !(cell instanceof Node)) field.className = cell.className
      if (cell === NOTHING) field.className = 'nothing'
      field.dataset.head = heads[at]
      line.append(field)
    }
    return line
  }
  return {
    /** Shows these, in this order; only what changed is drawn. */
    show(rows) {
      const shown = rows.slice(0, SERVICES_MOST)
      const wanted = new Set(shown.map(row => row.name))
      for (const [name, { line }] of lines) {
        if (wanted.has(name)) continue
        line.remove()
        lines.delete(name)
      }
      let before = null
      for (const row of shown) {
        const key = JSON.stringify(row)
        let known = lines.get(row.name)
        if (known?.key !== key) {
          const line = draw(row)
          const focused = known?.line.contains(document.activeElement)
          known?.line.replaceWith(line)
          if (focused) line.querySelector('button')?.focus()
          known = { key, line }
          lines.set(row.name, known)
        }
        const next = before ? before.nextSibling : body.firstChild
        if (next !== known.line) body.insertBefore(known.line, next)
        before = known.line
      }
      return shown.length
    },
  }
}

/** Newest on top. */
export function logLine(list, atMs, words) {
  const item = document.createElement('li')
  const time = document.createElement('time')
  time.dateTime = new Date(atMs).toISOString()
  time.textContent = new Date(atMs).toLocaleTimeString()
  item.append(time, ` ${words}`)
  list.prepend(item)
  while (list.childElementCount > LOG_MOST) list.lastElementChild.remove()
}
