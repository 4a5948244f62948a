/**
 * What must hold after every step of a simulated cluster, judged from the frames that were delivered and
 * from who answers; of what the protocol thinks nothing is used.
 */
import {
  ALONE_AFTER_MS,
  BEAT_EVERY_MS,
  type Beat,
  type Claim,
  type Command,
  type Event,
  LATE_AFTER_MS,
  type SetPart,
  SILENT_AFTER_MS,
} from '../../../functions/liveness/messages.ts'
import { readingsOf } from '../../../functions/liveness/reading.ts'
import { compareEpochs } from '../../../functions/model/placement.ts'
import type { SimulatedNode } from './simulated-node.ts'
import type { World } from './world.ts'

/** One beat, the question for the set, and three ways. */
const BOTH_MAX_MS = 130
/** Promise 3 of design.md. */
const NOBODY_MAX_MS = 500
/** After a start, a pause, or a cut nodes listen first. */
const AFTER_LISTENING_MS = 1000
const RECENT_MS = 1600

export class Violation extends Error {}

/** What one node was told by one session of another. */
interface Heard {
  /** Null before anything was. */
  node: string | null
  readonly beats: Map<string, number>
  last: Beat | null
  /** When it first said that it has lost a carrier. */
  impairedMs: number
  readonly claims: Map<string, Claim>
  /** Group -> the message that last said something of it. */
  readonly sequences: Map<string, number>
}

/** When one session ran, on its own clock. */
interface Watched {
  readonly lastMs: number
  readonly lateMs: number
  /** Since when it has to listen before it answers. */
  readonly listensSinceMs: number | null
  readonly heard: boolean
}

export class Invariants {
  readonly #world: World
  /** Listener's session -> speaker's session -> what was heard. */
  readonly #heard = new Map<string, Map<string, Heard>>()
  /** Session and group -> the greatest epoch it answered with. */
  readonly #answered = new Map<string, Claim>()
  /** Group -> the greatest claim ever made on the LAN, and its session. */
  readonly #greatest = new Map<string, { claim: Claim; session: string }>()
  readonly #taken = new Set<string>()
  /** Session -> every claim and placement that it was told of. */
  readonly #told = new Map<string, Set<Claim>>()
  /** Session -> when it ran. */
  readonly #watched = new Map<string, Watched>()
  /** Group -> pair -> since when both answer. */
  readonly #bothSince = new Map<string, Map<string, number>>()
  readonly #nobodySince = new Map<string, number>()
  #disturbedMs = 0
  readonly #offered = new Map<string, number>()
  #checkedMs = 0
  #checkedChanges = 0
  changes = 0

  constructor(world: World) {
    this.#world = world
  }

  started(node: SimulatedNode): void {
    this.#heard.set(node.session, new Map())
    this.disturb()
  }

  /** Who runs and who hears whom has changed. */
  disturb(): void {
    this.#disturbedMs = this.#world.nowMs
  }

  before(node: SimulatedNode, event: Event): void {
    this.#notice(node, event)
    if (node.paused) throw new Violation(`${node.name} runs while it is paused`)
    this.#offered.clear()
    for (const [group, claim] of node.answers) this.#offered.set(group, claim.epoch.number)
    if (event.is === 'redis') this.#tell(node, readingsOf(event.placements))
    if (event.is !== 'beat' && event.is !== 'set') return
    const message = event.is === 'beat' ? event.beat : event.part
    const heard = this.#of(node.session, message.session)
    heard.node = message.node
    if (event.is === 'set')
      this.#tell(
        node,
        event.part.claims.map(claim => ({ claim })),
      )
    if (event.is === 'beat') {
      heard.beats.set(event.interface, this.#world.nowMs)
      if (event.beat.sequence > (heard.last?.sequence ?? 0)) {
        if (event.beat.impaired && !heard.last?.impaired) heard.impairedMs = this.#world.nowMs
        heard.last = event.beat
      }
    } else this.#hearSet(heard, event.part)
  }

  #tell({ session }: SimulatedNode, what: readonly { readonly claim: Claim | null }[]): void {
    const told = this.#told.get(session) ?? new Set()
    this.#told.set(session, told)
    for (const { claim } of what) if (claim) told.add(claim)
  }

  #hearSet({ claims, sequences }: Heard, { sequence, ...part }: SetPart): void {
    const isNews = (group: string) => sequence > (sequences.get(group) ?? 0)
    const gone = part.range ? [...claims.keys()] : part.dropped
    for (const group of gone) {
      if (!isNews(group)) continue
      claims.delete(group)
      sequences.set(group, sequence - 0.5) // the same part may claim it
    }
    for (const claim of part.claims) {
      if (!isNews(claim.group)) continue
      claims.set(claim.group, claim)
      sequences.set(claim.group, sequence)
    }
  }

  /** Who starts or was away too long must hear the LAN or Redis first; who was late must not blame anybody. */
  #notice(node: SimulatedNode, event: Event): void {
    const ownMs = this.#world.nowMs + node.offsetMs
    const watched = this.#watched.get(node.session)
    const gapMs = watched ? ownMs - watched.lastMs : Number.POSITIVE_INFINITY
    const late = watched !== undefined && ownMs - (node.protocol?.nextMs() ?? ownMs) > LATE_AFTER_MS
    const listens = gapMs > SILENT_AFTER_MS
    this.#watched.set(node.session, {
      lastMs: ownMs,
      lateMs: late ? ownMs : (watched?.lateMs ?? Number.NEGATIVE_INFINITY),
      listensSinceMs: listens ? ownMs : (watched?.listensSinceMs ?? null),
      heard: !listens && (watched?.heard || ['beat', 'set', 'redis'].includes(event.is)),
    })
  }

  #checkListening(node: SimulatedNode): void {
    const watched = this.#watched.get(node.session)
    if (!watched || watched.listensSinceMs === null || node.answers.size === 0) return
    const listenedMs = watched.lastMs - watched.listensSinceMs
    if (!watched.heard && listenedMs < ALONE_AFTER_MS) {
      this.#fail(`${node.name} was away and answers, ${listenedMs.toFixed(0)} ms after, unheard`)
    }
    if (listenedMs < BEAT_EVERY_MS) {
      this.#fail(`${node.name} was away and answers before a beat has passed`)
    }
    this.#watched.set(node.session, { ...watched, listensSinceMs: null })
  }

  after(node: SimulatedNode, event: Event, commands: readonly Command[]): void {
    this.#checkListening(node)
    const discarded = commands.some(command => command.do === 'discard')
    if (event.is === 'set' && !discarded && this.#arrives(node, event.interface))
      this.#checkYield(node, event.part.claims)
    for (const command of commands) {
      if (command.do === 'answer') for (const claim of command.claims) this.#begin(node, claim)
      if (command.do === 'record') this.#checkTakeover(node, command.claim)
      if (command.do === 'set') for (const claim of command.part.claims) this.#say(node, claim)
      if (command.do === 'answer' || command.do === 'cease') this.changes++
    }
  }

  /** How long something has lasted is looked at when somebody begins or ends, and every few ms. */
  check(): void {
    const { nowMs } = this.#world
    if (this.changes === this.#checkedChanges && nowMs - this.#checkedMs < 5) return
    this.#checkedChanges = this.changes
    this.#checkedMs = nowMs
    this.#checkBoth()
    this.#checkNobody()
  }

  #begin(node: SimulatedNode, claim: Claim): void {
    if (claim.owner.node !== node.name) this.#fail(`${node.name} answers as ${claim.owner.node}`)
    const key = `${node.session} ${claim.group}`
    const before = this.#answered.get(key)
    if (before && compareEpochs(claim.epoch, before.epoch) < 0) {
      this.#fail(`${node.name} answers ${claim.group} with a lesser epoch than before`)
    }
    this.#answered.set(key, claim)
  }

  #say(node: SimulatedNode, claim: Claim): void {
    const before = this.#greatest.get(claim.group)
    if (before && compareEpochs(claim.epoch, before.claim.epoch) < 0) return
    this.#greatest.set(claim.group, { claim, session: node.session })
  }

  /** What was on its way when the cable was pulled is not looked at. */
  #arrives(node: SimulatedNode, on: string): boolean {
    return this.#world.lanAt(on)?.carrier(node.index) ?? false
  }

  /** Who was told of a greater epoch answers no more. */
  #checkYield(node: SimulatedNode, told: readonly Claim[]): void {
    for (const claim of told) {
      const own = node.answers.get(claim.group)
      if (own && this.#offered.has(claim.group) && compareEpochs(claim.epoch, own.epoch) > 0) {
        this.#fail(`${node.name} was told of a greater epoch of ${claim.group} and answers on`)
      }
    }
  }

  /** A takeover is of a claim that was heard, of somebody who is silent or leaves, and with a greater epoch. */
  #checkTakeover(node: SimulatedNode, claim: Claim): void {
    const { group, epoch } = claim
    const before = this.#offered.get(group)
    const key = `${node.session} ${group} ${epoch.number}`
    if (before === epoch.number || epoch.node !== node.name || this.#taken.has(key)) return
    this.#taken.add(key) // it is recorded again until Redis has it
    const heard = [...(this.#heard.get(node.session)?.values() ?? [])]
    const watched = this.#watched.get(node.session)
    const asked = heard.some(one => one.last?.leaving || one.last?.impaired)
    if (!asked && watched && watched.lastMs - watched.lateMs < SILENT_AFTER_MS - 1) {
      this.#fail(`${node.name} takes ${group} and was late itself`)
    }
    if (!asked && this.#isUnread(node, group, heard)) {
      this.#fail(`${node.name} takes ${group} of an owner whose beat has come in`)
    }
    if (!this.#isHeir(node, group, heard)) {
      this.#fail(`${node.name} takes ${group} of an owner that it never heard`)
    }
    for (const one of heard) {
      const theirs = one.claims.get(group)
      if (theirs && compareEpochs(epoch, theirs.epoch) <= 0) {
        this.#fail(`${node.name} takes ${group} with an epoch not greater than one that it heard`)
      }
      if (theirs && this.#isWell(node, one, group)) {
        this.#fail(`${node.name} takes ${group} from ${theirs.owner.node}, whom it hears`)
      }
    }
  }

  /** Somebody whom it heard owned the group as it was told there or in Redis, with it as a standby. */
  #isHeir(node: SimulatedNode, group: string, heard: readonly Heard[]): boolean {
    const met = new Set(heard.flatMap(one => (one.node === null ? [] : [one.node])))
    const told = [...(this.#told.get(node.session) ?? [])]
    return told.some(
      one =>
        one.group === group &&
        one.standbys.some(standby => standby.node === node.name) &&
        met.has(one.owner.node),
    )
  }

  /** A beat of whoever claims the group waits to be read. */
  #isUnread(node: SimulatedNode, group: string, heard: readonly Heard[]): boolean {
    const owners = heard.filter(one => one.claims.has(group))
    return node.queue.some(
      one => one.is === 'beat' && owners.some(({ last }) => last?.session === one.beat.session),
    )
  }

  /** Answers for the group, was heard just now on all LANs of it, and does not ask to be relieved there. */
  #isWell(node: SimulatedNode, heard: Heard, group: string): boolean {
    const { last, beats } = heard
    const { nowMs, nodes } = this.#world
    if (!last || last.leaving) return false
    const owner = nodes.find(one => one.session === last.session)
    if (!owner?.answers.has(group) || owner.paused) return false
    const lans = this.#world.lansOf(group)
    const heardMs = lans.map((_, lan) => beats.get(this.#world.interfaceOf(lan, node)) ?? 0)
    if (last.impaired && heardMs.some(ms => ms < heard.impairedMs)) return false
    // A stray may be heard late: judged is what the node can know from the order of beats.
    return nowMs - Math.min(...heardMs) < SILENT_AFTER_MS - 65 && nowMs - node.disturbedMs > 400
  }

  #checkBoth(): void {
    const { nodes, groups, nowMs } = this.#world
    for (const group of groups) {
      const answering = nodes.filter(node => node.runs && node.answers.has(group))
      if (answering.length < 2) {
        this.#bothSince.delete(group)
        continue
      }
      const since = this.#bothSince.get(group) ?? new Map<string, number>()
      const now = new Map<string, number>()
      this.#bothSince.set(group, now)
      for (const [i, a] of answering.entries()) {
        for (const b of answering.slice(i + 1)) {
          if (!this.#soundBetween(a, b)) continue
          const key = a.name + b.name
          const sinceMs = since.get(key) ?? nowMs
          now.set(key, sinceMs)
          const freeMs = nowMs - Math.max(sinceMs, a.disturbedMs, b.disturbedMs, this.#changedMs())
          if (freeMs > BOTH_MAX_MS) {
            this.#fail(`${a.name} and ${b.name} answer for ${group} since ${freeMs.toFixed(0)} ms`)
          }
        }
      }
    }
  }

  #checkNobody(): void {
    const { groups, nowMs, lans, nodes } = this.#world
    for (const group of groups) {
      if (nodes.some(node => node.runs && node.answers.has(group) && this.#plugged(node, group))) {
        this.#nobodySince.delete(group)
        continue
      }
      const since = this.#nobodySince.get(group) ?? nowMs
      this.#nobodySince.set(group, since)
      const fromMs = Math.max(since, this.#changedMs(), this.#disturbedMs)
      if (nowMs - fromMs < NOBODY_MAX_MS || !lans.every(lan => lan.sound)) continue
      const able = this.#able(group)
      if (!able) continue
      const recent = nodes.some(node => nowMs - node.disturbedMs < RECENT_MS)
      const limitMs = NOBODY_MAX_MS + (recent ? AFTER_LISTENING_MS : 0)
      if (nowMs - fromMs > limitMs) {
        this.#fail(
          `nobody answers for ${group} since ${(nowMs - fromMs).toFixed(0)} ms, and ${able} could`,
        )
      }
    }
  }

  /**
   * Someone who must answer: all who run hear each other, and it made the greatest claim itself or heard
   * it and stands by for it, and Redis did not say anything newer.
   */
  #able(group: string): string | null {
    const { nodes, redis } = this.#world
    const running = nodes.filter(node => node.runs)
    const clique = running.every(a => running.every(b => a === b || this.#connected(a, b)))
    const greatest = this.#greatest.get(group)
    if (!clique || !greatest) return null
    const written = redis.placement(group)
    if (written && compareEpochs(written.epoch, greatest.claim.epoch) > 0) return null
    const able = running.find(node => {
      if (!this.#plugged(node, group) || node.stopping) return false
      if (node.name === greatest.claim.owner.node) return node.session === greatest.session
      const heard = this.#heard.get(node.session)?.get(greatest.session)
      const told = heard?.claims.get(group)
      return (
        told &&
        compareEpochs(told.epoch, greatest.claim.epoch) === 0 &&
        greatest.claim.standbys.some(one => one.node === node.name)
      )
    })
    return able?.name ?? null
  }

  #plugged(node: SimulatedNode, group: string): boolean {
    return this.#world.lansOf(group).some(lan => lan.carrier(node.index))
  }

  /** Both ways on every LAN. */
  #connected(a: SimulatedNode, b: SimulatedNode): boolean {
    return this.#world.lans.every(
      lan => lan.connects(a.index, b.index) && lan.connects(b.index, a.index),
    )
  }

  #soundBetween(a: SimulatedNode, b: SimulatedNode): boolean {
    return this.#world.lans.every(lan => lan.sound) && this.#connected(a, b)
  }

  #changedMs(): number {
    return Math.max(...this.#world.lans.map(lan => lan.changedMs))
  }

  #of(listener: string, speaker: string): Heard {
    const all = this.#heard.get(listener) ?? new Map<string, Heard>()
    const heard: Heard = all.get(speaker) ?? {
      node: null,
      beats: new Map(),
      last: null,
      impairedMs: 0,
      claims: new Map(),
      sequences: new Map(),
    }
    all.set(speaker, heard)
    this.#heard.set(listener, all)
    return heard
  }

  #fail(what: string): void {
    throw new Violation(`at ${this.#world.nowMs.toFixed(1)} ms: ${what}`)
  }
}
