/**
 * What the link found out on the LAN about addresses of this node, written down in Redis; kept and tried again while it is
 * away. What becomes of an address that somebody else has is for allocators to decide.
 */
import type { Asking, Finding } from '../functions/model/finding.ts'
import type { Link } from '../infra/link/link.ts'
import type { World } from '../infra/process.ts'
import type { Finder, Scripts } from '../infra/redis/scripts.ts'
import type { State } from '../infra/redis/state.ts'

export interface FindingsWorld {
  readonly finder: Finder
  readonly scripts: Scripts
  readonly link: Link
  readonly log: World['log']
  ring(queue: string, keys: readonly string[]): Promise<void>
  /** By address, the newest of each: not yet known to be written down. */
  readonly found: Map<string, Finding>
}

export async function writeFindings(world: FindingsWorld): Promise<void> {
  const { finder, scripts, link, log, ring, found } = world
  if (found.size === 0) return
  const findings = [...found.values()]
  const { outcomes, placed, told } = await scripts.found(finder, findings)
  for (const one of findings) if (found.get(one.address) === one) found.delete(one.address)
  const begun: string[] = []
  for (const [index, { address, probing, foreign }] of findings.entries()) {
    if (!foreign) continue
    const outcome = outcomes[index] ?? 'gone'
    log.warn({ address, probing, ...foreign, outcome }, 'another host claims an address of ours')
    if (probing && (outcome === 'ours' || outcome === 'kept')) begun.push(address)
  }
  if (begun.length > 0) link.begin(begun)
  await ring('place', placed)
  await ring(`publish-${finder.cluster}`, told)
}

/** What was never announced by anybody, of addresses that are new to this node. */
export async function unprobed(
  addresses: readonly string[],
  state: State,
): Promise<[string, Asking][]> {
  const records = await state.lan(addresses)
  return addresses.flatMap((address, index): [string, Asking][] => {
    const record = records[index]
    if (!record || 'claimed' in record) return []
    return [[address, 'unprobed' in record ? record.unprobed : 'automatic']]
  })
}
