/** Which groups to move so that nodes announce about as many each, with as few moves as that takes. */
import type { Candidate } from './place.ts'

export interface Placed {
  readonly group: string
  readonly owner: string
  /** Who may serve it, the owner among them. */
  readonly candidates: readonly Pick<Candidate, 'node' | 'weight'>[]
}

export interface Move {
  readonly group: string
  readonly from: string
  readonly to: string
}

/** Groups that are alike: the same node has them, and the same ones are preferred. */
interface Crowd {
  readonly now: string
  readonly best: readonly string[]
  /** By their place in the list, least first: in that order they move. */
  readonly members: number[]
  /** The emptiest of the preferred, and how many fewer groups that has. */
  to: string
  gain: number
}

/**
 * Preferred nodes first (greatest weight), as for a new group; among equals from the fullest to the emptiest, of those that
 * gain as much whoever comes first in the list. A move is found among crowds and not among groups, of which there are many more.
 */
export function rebalance(placed: readonly Placed[]): Move[] {
  const counts = countsOf(placed)
  const count = (node: string) => counts.get(node) ?? 0
  const emptiest = (nodes: readonly string[]) =>
    nodes.reduce((least, node) => (count(node) < count(least) ? node : least))
  const crowds = new Map<string, Crowd>()
  /** By node: those for which it matters how many groups that has. */
  const concerned = new Map<string, Crowd[]>()
  const weigh = (crowd: Crowd) => {
    crowd.to = emptiest(crowd.best)
    crowd.gain = count(crowd.now) - count(crowd.to)
  }
  const crowdOf = (now: string, best: readonly string[]) => {
    const key = [now, ...best].join()
    const known = crowds.get(key)
    if (known) return known
    const crowd = { now, best, members: [], to: now, gain: 0 }
    weigh(crowd)
    crowds.set(key, crowd)
    for (const node of best) concerned.set(node, [...(concerned.get(node) ?? []), crowd])
    return crowd
  }
  const move = (from: string, to: string) => {
    counts.set(from, count(from) - 1)
    counts.set(to, count(to) + 1)
    concerned.get(from)?.forEach(weigh)
    concerned.get(to)?.forEach(weigh)
  }

  const owners = placed.map((one, at) => {
    const best = preferred(one)
    if (best.length === 0) return one.owner
    const now = best.includes(one.owner) ? one.owner : emptiest(best)
    if (now !== one.owner) move(one.owner, now)
    crowdOf(now, best).members.push(at)
    return now
  })
  for (;;) {
    const most = greatest(crowds.values())
    const at = most?.members.shift()
    if (!most || at === undefined) break
    const { now, best, to } = most
    move(now, to)
    insert(crowdOf(to, best).members, at)
    owners[at] = to
  }
  return placed.flatMap(({ group, owner }, at) => {
    const to = owners[at] ?? owner
    return to === owner ? [] : [{ group, from: owner, to }]
  })
}

function countsOf(placed: readonly Placed[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { owner } of placed) counts.set(owner, (counts.get(owner) ?? 0) + 1)
  return counts
}

function preferred({ candidates }: Placed): string[] {
  const most = Math.max(...candidates.map(one => one.weight))
  return candidates.filter(one => one.weight === most).map(one => one.node)
}

/** Which gains most; null where none does: a difference of one is even. */
function greatest(crowds: Iterable<Crowd>): Crowd | null {
  let most: Crowd | null = null
  for (const crowd of crowds) {
    const [first] = crowd.members
    if (first === undefined || crowd.gain < 2) continue
    const [before = 0] = most?.members ?? []
    if (!most || crowd.gain > most.gain || (crowd.gain === most.gain && first < before))
      most = crowd
  }
  return most
}

function insert(members: number[], at: number): void {
  members.splice(members.findLastIndex(one => one < at) + 1, 0, at)
}
