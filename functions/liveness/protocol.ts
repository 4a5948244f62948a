/**
 * The protocol by which announcers agree on the LAN who answers for which group, without Redis and
 * without the API server (design.md "Layer 2"). Pure: it is told what happened and when, and says what
 * to do; the same events give the same commands. State is private and mutable, for this runs every few
 * milliseconds.
 *
 * How it works: 1. every node beats on every interface, and says in sets what it claims. 2. The first
 * standby of an owner that it heard and hears no more claims its groups with a greater epoch.
 * 3. Whoever hears a greater epoch yields. 4. Who starts, was paused or was cut off listens first.
 */
import { compareEpochs, type Placement } from '../model/placement.ts'
import { minus, plus } from './digest.ts'
import type { Beat, Claim, Command, Event, SetPart } from './messages.ts'
import * as limits from './messages.ts'
import { Peers } from './peers.ts'
import { type Reading, readingsOf } from './reading.ts'
import { takeovers, type Watch } from './takeover.ts'

export interface Identity {
  readonly node: string
  /** A fresh nonce for each start. */
  readonly session: string
  /** What it claimed when it last ran. */
  readonly remembered: readonly Claim[]
}

export class Protocol {
  readonly #me: Identity
  readonly #peers = new Peers()
  readonly #interfaces = new Map<string, boolean>()
  /** What this node claims. It answers for that, unless it listens. */
  readonly #own = new Map<string, Claim>()
  readonly #redis = new Map<string, Reading>()
  /** Claimed without Redis knowing it. */
  readonly #unrecorded = new Set<string>()
  /** Changed groups, and how often that is to be said again: a lost frame must not cost a beat. */
  readonly #changed = new Map<string, number>()
  readonly #alarms = new Map<string, number>()
  /** Nodes that renew in Redis and are not heard, since when. */
  readonly #unheard = new Map<string, number>()
  readonly #watch: Watch
  #digest = 0
  #sequence = 0
  #listeningSinceMs: number | null
  #redisSinceMs: number | null = null
  #stoppingSinceMs: number | null = null
  #stopped = false
  #cutSinceMs: number | null = null
  #lastMs: number
  #beatMs: number
  /** Somebody lacks the set of this node. */
  #setWanted = false
  #setMs = Number.NEGATIVE_INFINITY
  #dueMs: number
  #commands: Command[] = []

  constructor(me: Identity, nowMs: number) {
    this.#me = me
    this.#watch = {
      node: me.node,
      peers: this.#peers,
      interfaces: this.#interfaces,
      own: this.#own,
      redis: this.#redis,
      impaired: false,
    }
    this.#listeningSinceMs = nowMs
    this.#lastMs = nowMs
    this.#beatMs = nowMs
    this.#dueMs = nowMs
    for (const claim of me.remembered) this.#keep(claim)
  }

  /** When it wants a tick, if nothing happens before. */
  nextMs(): number {
    return this.#dueMs
  }

  /** What this node claims, to be remembered for the next start. */
  claims(): Iterable<Claim> {
    return this.#own.values()
  }

  get answering(): boolean {
    return this.#listeningSinceMs === null && !this.#stopped
  }

  /** Number of the greatest epoch known: the counter in Redis must not be behind it. */
  get greatestEpoch(): number {
    return this.#peers.greatest
  }

  /** Nodes heard within the silence limit: no lease in Redis may take from these. */
  hears(nowMs: number): string[] {
    return [...this.#peers.nodes()].filter(peer => peer.living(nowMs)).map(peer => peer.node)
  }

  step(event: Event, nowMs: number): Command[] {
    this.#commands = []
    if (this.#stopped) return []
    const paused = this.#notice(nowMs)
    if (!paused || !isFrame(event)) this.#take(event, nowMs)
    this.#act(nowMs)
    this.#lastMs = nowMs
    this.#dueMs = this.#next(nowMs)
    return this.#commands
  }

  /** Who was late blames nobody; who was paused has been given up by others and listens first. */
  #notice(nowMs: number): boolean {
    if (nowMs - this.#dueMs > limits.LATE_AFTER_MS) this.#peers.restart(nowMs, null)
    if (nowMs - this.#lastMs <= limits.SILENT_AFTER_MS) return false
    this.#commands.push({ do: 'discard' })
    this.#listen(nowMs)
    return true
  }

  #take(event: Event, nowMs: number): void {
    switch (event.is) {
      case 'beat':
        this.#hearBeat(event.beat, event.interface, nowMs)
        break
      case 'set':
        this.#hearSet(event.part, event.interface, nowMs)
        break
      case 'unknown':
        this.#peers.unknown(event, nowMs)
        this.#alarm('unknownBeat', event.node ?? '', nowMs)
        break
      case 'interface':
        this.#carry(event.interface, event.carrier, nowMs)
        break
      case 'redis':
        this.#read(event.placements, nowMs)
        this.#compareLeases(event.alive, nowMs)
        break
      case 'redisLost':
        this.#redisSinceMs = null
        this.#unheard.clear()
        break
      case 'stop':
        this.#stoppingSinceMs ??= nowMs
        this.#beatMs = nowMs
        break
      case 'tick':
        break
    }
  }

  #act(nowMs: number): void {
    if (this.#listeningSinceMs !== null && this.#hasListened(nowMs)) this.#resume()
    const active = this.#listeningSinceMs === null && this.#stoppingSinceMs === null
    if (active && !this.#peers.unsynced(nowMs)) this.#takeOver(nowMs)
    this.#sendSet(nowMs)
    if (nowMs >= this.#beatMs) this.#beat(nowMs)
    if (this.#stoppingSinceMs !== null) this.#stop(nowMs, this.#stoppingSinceMs)
  }

  #hearBeat(beat: Beat, on: string, nowMs: number): void {
    const { node, session } = this.#me
    if (beat.node === node || this.#interfaces.get(on) !== true) return
    const peer = this.#peers.meet(beat.node, beat.session)
    if (!peer?.admitsBeat(beat, on)) return
    const wasSilent = !peer.living(nowMs)
    peer.hear(on, nowMs)
    peer.beat(beat, nowMs)
    const copy = beat.hears.find(heard => heard.session === session)
    if (wasSilent || copy?.synced === false) this.#setWanted = true
    // Its set may be on the way; if it is not, ask for it before the next beat.
    if (peer.unsyncedSinceMs === nowMs) this.#beatMs = Math.min(this.#beatMs, nowMs + limits.ASK_MS)
  }

  #hearSet(part: SetPart, on: string, nowMs: number): void {
    if (part.node === this.#me.node || this.#interfaces.get(on) !== true) return
    const peer = this.#peers.meet(part.node, part.session)
    if (!peer?.admitsSet(part)) return
    // Before it is judged what it claims, or what it took would be taken back as from the silent.
    const wasSilent = !peer.living(nowMs)
    peer.hearSet(part, on, nowMs)
    if (wasSilent) this.#setWanted = true
    for (const claim of peer.learn(part, nowMs)) {
      this.#peers.learnEpoch(claim.epoch.number)
      const own = this.#own.get(claim.group)
      if (!own) continue
      if (compareEpochs(claim.epoch, own.epoch) > 0) this.#yield(own)
      else this.#sendChange([own], [])
    }
  }

  #carry(name: string, carrier: boolean | null, nowMs: number): void {
    if (carrier === null) this.#interfaces.delete(name)
    else {
      if (carrier && this.#interfaces.get(name) !== true) this.#peers.restart(nowMs, name)
      this.#interfaces.set(name, carrier)
    }
    const carriers = [...this.#interfaces.values()]
    const connected = carriers.includes(true)
    this.#watch.impaired = connected && carriers.includes(false)
    if (!connected) this.#cutSinceMs ??= nowMs
    else {
      if (this.#cutSinceMs !== null && nowMs - this.#cutSinceMs > limits.CUT_MAX_MS) {
        this.#listen(nowMs)
      }
      this.#cutSinceMs = null
    }
    this.#beatMs = nowMs
  }

  #read(placements: readonly Placement[], nowMs: number): void {
    this.#redisSinceMs ??= nowMs
    for (const reading of readingsOf(placements)) {
      const { group, epoch } = reading
      this.#peers.learnEpoch(epoch.number)
      const known = this.#redis.get(group)
      if (known && compareEpochs(epoch, known.epoch) < 0) continue
      this.#redis.set(group, reading)
      this.#obey(group, reading)
    }
    for (const group of this.#unrecorded) {
      const own = this.#own.get(group)
      const written = this.#redis.get(group)
      if (!own || (written && compareEpochs(written.epoch, own.epoch) >= 0)) {
        this.#unrecorded.delete(group)
      } else this.#commands.push({ do: 'record', claim: own })
    }
  }

  /** A placement newer than all that was said on the LAN. */
  #obey(group: string, { epoch, claim }: Reading): void {
    const own = this.#own.get(group)
    if (own && compareEpochs(epoch, own.epoch) < 0) return
    if (!claim) {
      if (own) this.#yield(own)
      return
    }
    if (claim.owner.node !== this.#me.node) {
      // Whoever is heard on the LAN says there that it answers, and who was heard and is cut off now answers
      // where it is: in both cases this node goes on. Of strangers only Redis tells.
      const isStranger = this.#peers.present(claim.owner.node) === null
      if (own && isStranger && compareEpochs(epoch, own.epoch) > 0) this.#yield(own)
      return
    }
    const last = this.#peers.lastClaim(group)
    if (last && compareEpochs(last.epoch, epoch) > 0) return
    if (this.#stoppingSinceMs !== null) return
    if (!own || compareEpochs(epoch, own.epoch) > 0 || own.addresses !== claim.addresses) {
      if (!own || !isSame(own, claim)) this.#claim([claim])
    }
  }

  #compareLeases(alive: readonly string[], nowMs: number): void {
    for (const node of alive) {
      if (node === this.#me.node) continue
      if (this.#peers.present(node)?.living(nowMs) || this.#cutSinceMs !== null) {
        this.#unheard.delete(node)
        continue
      }
      const sinceMs = this.#unheard.get(node) ?? nowMs
      this.#unheard.set(node, sinceMs)
      if (nowMs - sinceMs >= limits.BLOCKED_AFTER_MS) this.#alarm('beatsBlocked', node, nowMs)
    }
    for (const node of this.#unheard.keys()) if (!alive.includes(node)) this.#unheard.delete(node)
  }

  #listen(nowMs: number): void {
    if (this.#listeningSinceMs === null && this.#own.size > 0) {
      this.#commands.push({ do: 'cease', groups: [...this.#own.keys()] })
    }
    this.#listeningSinceMs = nowMs
    this.#redisSinceMs = null
    this.#peers.restart(nowMs, null)
    this.#beatMs = nowMs
  }

  #hasListened(nowMs: number): boolean {
    const sinceMs = this.#listeningSinceMs ?? nowMs
    const listenedMs = nowMs - sinceMs
    if (listenedMs >= limits.ALONE_AFTER_MS) return true
    if (listenedMs < limits.LISTEN_MS) return false
    let heard = 0
    for (const peer of this.#peers.nodes()) {
      if (peer.lastHeardMs <= sinceMs) continue
      if (!peer.synced) return false
      heard++
    }
    return heard > 0 || this.#redisSinceMs !== null
  }

  #resume(): void {
    this.#listeningSinceMs = null
    if (this.#own.size > 0) this.#commands.push({ do: 'answer', claims: [...this.#own.values()] })
  }

  #takeOver(nowMs: number): void {
    const taken = takeovers(this.#watch, nowMs)
    if (taken.length === 0) return
    this.#claim(taken)
    for (const claim of taken) {
      this.#unrecorded.add(claim.group)
      this.#commands.push({ do: 'record', claim })
    }
  }

  #claim(claims: readonly Claim[]): void {
    for (const claim of claims) {
      this.#keep(claim)
      this.#changed.set(claim.group, limits.REPEATS)
    }
    if (this.#listeningSinceMs === null) this.#commands.push({ do: 'answer', claims })
    this.#sendChange(claims, [])
  }

  #keep(claim: Claim): void {
    const own = this.#own.get(claim.group)
    if (own) this.#digest = minus(this.#digest, own)
    this.#own.set(claim.group, claim)
    this.#digest = plus(this.#digest, claim)
    this.#peers.learnEpoch(claim.epoch.number)
  }

  #yield(own: Claim): void {
    this.#own.delete(own.group)
    this.#unrecorded.delete(own.group)
    this.#digest = minus(this.#digest, own)
    this.#changed.set(own.group, limits.REPEATS)
    if (this.#listeningSinceMs === null) this.#commands.push({ do: 'cease', groups: [own.group] })
    this.#sendChange([], [own.group])
  }

  #beat(nowMs: number): void {
    this.#beatMs = nowMs + limits.BEAT_EVERY_MS
    const hears = []
    for (const peer of this.#peers.nodes()) {
      if (peer.living(nowMs)) hears.push({ session: peer.session, synced: peer.synced })
    }
    const leaving = this.#stoppingSinceMs !== null
    const said = { hears, digest: this.#digest, leaving, impaired: this.#watch.impaired }
    for (const sent of this.#onAll())
      this.#commands.push({ do: 'beat', beat: { ...sent, ...said } })
    this.#sayAgain()
  }

  #sayAgain(): void {
    if (this.#changed.size === 0) return
    const [claims, dropped]: [Claim[], string[]] = [[], []]
    for (const [group, times] of this.#changed) {
      const own = this.#own.get(group)
      if (own) claims.push(own)
      else dropped.push(group)
      if (times > 1) this.#changed.set(group, times - 1)
      else this.#changed.delete(group)
    }
    this.#sendChange(claims, dropped)
  }

  #sendChange(claims: readonly Claim[], dropped: readonly string[]): void {
    for (const sent of this.#onAll()) {
      this.#commands.push({ do: 'set', part: { ...sent, claims, dropped, range: null } })
    }
  }

  #sendSet(nowMs: number): void {
    if (!this.#setWanted || nowMs - this.#setMs < limits.SET_EVERY_MS) return
    this.#setWanted = false
    this.#setMs = nowMs
    const claims = [...this.#own.values()]
    const range = { after: '', upTo: null }
    for (const sent of this.#onAll()) {
      this.#commands.push({ do: 'set', part: { ...sent, claims, dropped: [], range } })
    }
  }

  /** One head for each interface on which something can be sent. */
  #onAll(): Omit<SetPart, 'claims' | 'dropped' | 'range'>[] {
    const { node, session } = this.#me
    const heads = []
    for (const [name, carrier] of this.#interfaces) {
      if (carrier) heads.push({ node, session, interface: name, sequence: ++this.#sequence })
    }
    return heads
  }

  #stop(nowMs: number, sinceMs: number): void {
    if (this.#own.size > 0 && nowMs - sinceMs < limits.HANDOVER_MS) return
    for (const own of [...this.#own.values()]) this.#yield(own)
    this.#stopped = true
    this.#commands.push({ do: 'stopped' })
  }

  #alarm(reason: limits.AlarmReason, node: string, nowMs: number): void {
    const key = `${reason} ${node}`
    const lastMs = this.#alarms.get(key) ?? Number.NEGATIVE_INFINITY
    if (nowMs - lastMs < limits.ALARM_EVERY_MS) return
    this.#alarms.set(key, nowMs)
    this.#commands.push({ do: 'alarm', reason, node })
  }

  #next(nowMs: number): number {
    let nextMs = this.#beatMs
    const sooner = (ms: number) => {
      if (ms > nowMs && ms < nextMs) nextMs = ms
    }
    if (this.#listeningSinceMs !== null) sooner(this.#listeningSinceMs + limits.LISTEN_MS)
    if (this.#setWanted) sooner(this.#setMs + limits.SET_EVERY_MS)
    for (const peer of this.#peers.all()) {
      for (const heardMs of peer.heard.values()) sooner(heardMs + limits.SILENT_AFTER_MS)
    }
    return nextMs
  }
}

function isFrame({ is }: Event): boolean {
  return is === 'beat' || is === 'set' || is === 'unknown'
}

function isSame(a: Claim, b: Claim): boolean {
  return compareEpochs(a.epoch, b.epoch) === 0 && a.addresses.join() === b.addresses.join()
}
