/** Pools as maps: one stop of the Tab key each; the arrows go from address to address, and what it is stands below. */

import { ageOf } from './rows.js'

const SVG = 'http://www.w3.org/2000/svg'

/** Neighbours on this angle are as far apart as can be. */
const GOLDEN_ANGLE = 137.508

/** In degrees; the same Service has the same colour everywhere. */
function hueOf(owner) {
  let sum = 0
  for (const character of owner) sum = (sum * 31 + character.codePointAt(0)) % 997
  return Math.round(sum * GOLDEN_ANGLE) % 360
}

/** Addresses; of an IPv6 pool there may be more than a number can tell apart. */
const countOf = count => (Number.isSafeInteger(count) ? `${count}` : count.toPrecision(2))
const percent = share => `${Math.round(share * 1000) / 10} %`

function lookOf(cell) {
  return {
    className: `cell ${cell.state}`,
    hue: hueOf(cell.owner),
    words:
      cell.state === 'free'
        ? `${cell.address} is free`
        : `${cell.address} ${{ held: 'is held by', shared: 'is shared by', resting: 'rests, and returns to', reserved: 'is reserved for', quarantined: 'is quarantined; it is in use by' }[cell.state] ?? cell.state} ${cell.owner}` +
          (cell.node ? `, announced by ${cell.node}` : ''),
  }
}

function lookOfStretch({ first, last, taken, share }) {
  const fill = taken === 0 ? 0 : Math.min(4, 1 + Math.floor(share * 4))
  return {
    className: `cell stretch f${fill}`,
    words: `${first} to ${last}: ${taken} taken (${percent(share)})`,
  }
}

export function poolOf(name, explain) {
  const box = document.createElement('article')
  box.className = 'pool'
  const title = document.createElement('h3')
  title.textContent = name
  const facts = document.createElement('p')
  const meter = document.createElement('meter')
  meter.setAttribute('aria-label', `Use of the pool ${name}`)
  const map = document.createElement('div')
  map.className = 'map'
  map.setAttribute('role', 'group')
  map.setAttribute('aria-label', `Addresses of ${name}; the arrow keys go from one to the next`)
  const about = document.createElement('p')
  about.className = 'about'
  about.setAttribute('aria-hidden', 'true') // said by the address itself
  about.textContent = 'Point at an address, or go to it with the arrow keys; press it to ask why.'
  const line = document.createElementNS(SVG, 'svg')
  line.setAttribute('viewBox', '0 0 360 100')
  line.setAttribute('preserveAspectRatio', 'none')
  line.setAttribute('aria-hidden', 'true')
  const overTime = document.createElement('p')
  box.append(title, facts, meter, map, about)
  let looks = []
  const tell = at => {
    about.textContent = looks[at]?.words ?? ''
  }
  const indexOf = event => [...map.children].indexOf(event.target.closest('button'))
  map.addEventListener('focusin', event => tell(indexOf(event)))
  map.addEventListener('mouseover', event => {
    if (event.target !== map) tell(indexOf(event))
  })
  map.addEventListener('click', event => {
    const address = looks[indexOf(event)]?.address
    if (address) explain('address', address)
  })
  map.addEventListener('keydown', event => {
    const step = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: rowLength(map),
      ArrowUp: -rowLength(map),
    }
    const at = indexOf(event)
    const to = { Home: 0, End: looks.length - 1 }[event.key] ?? at + (step[event.key] ?? 0)
    const next = map.children[to]
    if (to === at || !next) return
    event.preventDefault()
    map.children[at].tabIndex = -1
    next.tabIndex = 0
    next.focus()
  })
  return {
    box,
    row(row) {
      const taken = row.held + row.resting + row.reserved
      const all = taken + row.free
      facts.textContent = `${row.addresses.join(', ')} – ${row.held} held, ${countOf(row.free)} free, ${row.resting} resting, ${row.reserved} reserved${row.autoAssign ? '' : '; only for who asks for it'}`
      meter.max = Math.max(1, all)
      meter.high = 0.85 * all
      meter.value = row.held
      meter.textContent = percent(all > 0 ? row.held / all : 0)
    },
    map({ cells, stretches }) {
      const fresh = [
        ...cells.map(cell => ({ ...lookOf(cell), address: cell.address })),
        ...stretches.map(lookOfStretch),
      ]
      while (map.childElementCount > fresh.length) map.lastElementChild.remove()
      for (const [at, look] of fresh.entries()) {
        if (looks[at]?.words === look.words && looks[at]?.className === look.className) continue
        const cell = map.children[at] ?? map.appendChild(button())
        cell.className = look.className
        cell.style.setProperty('--hue', look.hue ?? '')
        cell.setAttribute('aria-label', look.words)
      }
      if (fresh.length > 0)
        (map.querySelector('[tabindex="0"]') ?? map.firstElementChild).tabIndex = 0
      looks = fresh
    },
    use(samples) {
      if (samples.length < 2) return // no line yet
      const points = samples.map(({ used }, at) => [at, 100 - 100 * (used[name] ?? 0)])
      const last = samples.at(-1)?.used[name] ?? 0
      overTime.textContent = `In use over the last ${ageOf(samples[0].atMs)}; now ${percent(last)}`
      if (!line.isConnected) box.append(line, overTime)
      const curve = document.createElementNS(SVG, 'polyline')
      const stretch = 360 / Math.max(1, points.length - 1)
      curve.setAttribute('points', points.map(([x, y]) => `${x * stretch},${y}`).join(' '))
      line.replaceChildren(curve)
    },
  }
}

/** Reached by the arrows, until it is the stop of the Tab key. */
function button() {
  const cell = document.createElement('button')
  cell.type = 'button'
  cell.tabIndex = -1
  return cell
}

/** How many cells stand beside each other now. */
function rowLength(map) {
  const top = map.firstElementChild?.offsetTop
  const below = [...map.children].findIndex(cell => cell.offsetTop !== top)
  return below < 0 ? map.childElementCount : below
}
