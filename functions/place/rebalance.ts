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

/** Preferred nodes first (greatest weight), as for a new group; among equals from the fullest to the emptiest. */
export function rebalance(placed: readonly Placed[]): Move[] {
  const counts = new Map<string, number>()
  for (const { owner, candidates } of placed) {
    for (const { node } of candidates) counts.set(node, counts.get(node) ?? 0)
    counts.set(owner, (counts.get(owner) ?? 0) + 1)
  }
  const groups = placed.map(one => ({ ...one, best: preferred(one), now: one.owner }))
  const move = (one: (typeof groups)[number], to: string) => {
    counts.set(one.now, (counts.get(one.now) ?? 0) - 1)
    counts.set(to, (counts.get(to) ?? 0) + 1)
    one.now = to
  }
  const emptiest = (nodes: readonly string[]) =>
    nodes.reduce((least, node) =>
      (counts.get(node) ?? 0) < (counts.get(least) ?? 0) ? node : least,
    )
  const gain = ({ now, best }: (typeof groups)[number]) =>
    (counts.get(now) ?? 0) - (counts.get(emptiest(best)) ?? 0)
  for (const one of groups) {
    if (one.best.length > 0 && !one.best.includes(one.now)) move(one, emptiest(one.best))
  }
  const [first, ...rest] = groups.filter(one => one.best.length > 0)
  while (first) {
    const most = rest.reduce((a, b) => (gain(b) > gain(a) ? b : a), first)
    if (gain(most) < 2) break
    move(most, emptiest(most.best))
  }
  return groups.flatMap(({ group, owner, now }) =>
    now === owner ? [] : [{ group, from: owner, to: now }],
  )
}

function preferred({ candidates }: Placed): string[] {
  const most = Math.max(...candidates.map(one => one.weight))
  return candidates.filter(one => one.weight === most).map(one => one.node)
}
