/** The simulated LANs: who gets a frame of whom, how late, how often. */
import type { Chance } from '../../support/chance.ts'

export interface Faults {
  /** Of each copy of a frame. */
  loss: number
  duplicates: number
  /** Probability of a frame that is 60 ms late, so that others overtake it. */
  strays: number
}

export const SOUND: Readonly<Faults> = { loss: 0, duplicates: 0, strays: 0 }
/** The longest way on a sound LAN. */
const WAY_MAX_MS = 4

export class Lan {
  readonly nodes: number
  readonly faults: Faults = { ...SOUND }
  /** [from][to]: frames are lost. */
  readonly #cut: boolean[]
  /** Cables that are pulled: no carrier. */
  readonly #unplugged: boolean[]
  readonly #chance: Chance
  /** When the last change of cuts or faults happened. */
  changedMs = 0

  constructor(nodes: number, chance: Chance) {
    this.nodes = nodes
    this.#chance = chance
    this.#cut = new Array(nodes * nodes).fill(false)
    this.#unplugged = new Array(nodes).fill(false)
  }

  cut(from: number, to: number, cut: boolean, nowMs: number): void {
    this.#cut[from * this.nodes + to] = cut
    this.changedMs = nowMs
  }

  unplug(node: number, unplugged: boolean, nowMs: number): void {
    this.#unplugged[node] = unplugged
    this.changedMs = nowMs
  }

  disturb(faults: Faults, nowMs: number): void {
    Object.assign(this.faults, faults)
    this.changedMs = nowMs
  }

  /** Frames get through, if chance does not lose them. */
  connects(from: number, to: number): boolean {
    return !this.#cut[from * this.nodes + to] && !this.#unplugged[from] && !this.#unplugged[to]
  }

  carrier(node: number): boolean {
    return !this.#unplugged[node]
  }

  get sound(): boolean {
    return this.faults.loss + this.faults.strays + this.faults.duplicates === 0
  }

  /** After how many ms each copy arrives. */
  ways(from: number, to: number): number[] {
    if (!this.connects(from, to)) return []
    const chance = this.#chance
    const { loss, duplicates, strays } = this.faults
    const way = () => (chance.is(strays) ? 60 : 0) + 0.1 + chance.next() * (WAY_MAX_MS - 0.1)
    if (this.sound) return [0.1 + chance.next() * (WAY_MAX_MS - 0.1)]
    const ways = chance.is(loss) ? [] : [way()]
    return chance.is(duplicates) ? [...ways, way()] : ways
  }
}
