/**
 * Decides what a node answers for (design.md "Absence is never an order"): a placement is given up only
 * for a greater epoch that names somebody else or nobody; a record that is missing changes nothing.
 */
import { compareEpochs, type Placement } from '../model/placement.ts'

export type Table = ReadonlyMap<string, Placement>

/** `read` holds a record, or null where there is none, for every group of the table and of the node. */
export function update(
  node: string,
  table: Table,
  read: ReadonlyMap<string, Placement | null>,
): Table {
  const next = new Map(table)
  for (const [group, placement] of read) {
    const known = next.get(group)
    if (!placement || (known && compareEpochs(placement.epoch, known.epoch) < 0)) continue
    if (placement.owner?.node === node) next.set(group, placement)
    else next.delete(group)
  }
  return next
}

/** What the link is to answer for, each with its interfaces. */
export function announced(
  node: string,
  table: Table,
): { readonly address: string; readonly interfaces: readonly string[] | null }[] {
  return [...table.values()].flatMap(({ addresses, owner }) =>
    owner?.node === node
      ? addresses.map(address => ({ address, interfaces: owner.interfaces }))
      : [],
  )
}
