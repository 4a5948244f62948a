/** What this node claims, and the digest of it. It answers for that, unless it listens. */
import { minus, plus } from './digest.ts'
import type { Claim } from './messages.ts'

export class Own {
  readonly #claims = new Map<string, Claim>()
  #digest = 0

  get claims(): ReadonlyMap<string, Claim> {
    return this.#claims
  }

  get digest(): number {
    return this.#digest
  }

  keep(claim: Claim): void {
    this.drop(claim.group)
    this.#claims.set(claim.group, claim)
    this.#digest = plus(this.#digest, claim)
  }

  drop(group: string): void {
    const claim = this.#claims.get(group)
    if (!claim) return
    this.#claims.delete(group)
    this.#digest = minus(this.#digest, claim)
  }
}
