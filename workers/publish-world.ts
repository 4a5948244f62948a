/** What the answers to the bells of `publish-<cluster>` act upon. */
import type { StatusWorld } from './object-status.ts'
import type { SayWorld } from './say.ts'
import type { SightWorld } from './sightings.ts'

export interface PublishWorld extends SightWorld, StatusWorld, SayWorld {
  /** The pod that this runs in. */
  readonly owner: { readonly name: string; readonly uid: string } | null
  /** As `ring`, in a second, once for all until then. */
  ringSoon(queue: string, keys: readonly string[]): Promise<void>
}
