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
import type { Placement } from '../model/placement.ts'
import type { Attached, Claim, Command, Event } from './messages.ts'
import * as limits from './messages.ts'
import { Own } from './own.ts'
import { Peers } from './peers.ts'
import { readingsOf } from './reading.ts'
import { Receiving } from './receiving.ts'
import { Records } from './records.ts'
import { Sending } from './sending.ts'
import { type Takeover, takeovers, type Watch } from './takeover.ts'

export interface Identity {
  readonly node: string
  /** A fresh nonce for each start. */
  readonly session: string
  /** What it claimed when it last ran. */
  readonly remembered: readonly Claim[]
}

export class Protocol {
  readonly #peers = new Peers()
  readonly #interfaces = new Map<string, Attached>()
  readonly #own = new Own()
  readonly #commands: Command[] = []
  readonly #records: Records
  readonly #sending: Sending
  readonly #receiving: Receiving
  readonly #watch: Watch
  /** An interface has no carrier while another has. */
  #impaired = false
  readonly #alarms = new Map<string, number>()
  #listeningSinceMs: number | null
  #redisSinceMs: number | null = null
  #stoppingSinceMs: number | null = null
  #stopped = false
  #cutSinceMs: number | null = null
  /** Something is to be taken over once all that has come in was told. */
  #wantsTick = false
  #lastMs: number
  #dueMs: number

  constructor({ node, session, remembered }: Identity, nowMs: number) {
    const known = { node, session, peers: this.#peers, own: this.#own }
    const speaker = { ...known, interfaces: this.#interfaces, commands: this.#commands }
    this.#records = new Records(known)
    this.#sending = new Sending(speaker, nowMs)
    this.#receiving = new Receiving(speaker, this.#sending)
    this.#watch = {
      node,
      peers: this.#peers,
      interfaces: this.#interfaces,
      own: this.#own.claims,
      redis: this.#records.readings,
    }
    this.#listeningSinceMs = nowMs
    this.#lastMs = nowMs
    this.#dueMs = nowMs
    for (const claim of remembered) this.#keep(claim)
  }

  /** When it wants a tick, if nothing happens before. */
  nextMs(): number {
    return this.#dueMs
  }

  /** Number of the greatest epoch known: the counter in Redis must not be behind it. */
  get greatestEpoch(): number {
    return this.#peers.greatest
  }

  /** Nodes heard within the silence limit: no lease in Redis may take from these. */
  hears(nowMs: number): string[] {
    return [...this.#peers.nodes()].filter(peer => peer.living(nowMs)).map(peer => peer.node)
  }

  /** When something new of this node last came in at that interface. */
  heardMs(node: string, on: string): number | null {
    return this.#peers.present(node)?.heard.get(on) ?? null
  }

  step(event: Event, nowMs: number): Command[] {
    if (this.#stopped) return []
    const paused = this.#notice(nowMs)
    if (!paused || !isFrame(event)) this.#take(event, nowMs)
    this.#act(event, nowMs)
    this.#lastMs = nowMs
    this.#dueMs = this.#next(nowMs)
    return this.#commands.splice(0)
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
        this.#receiving.beat(event.beat, event.interface, nowMs)
        break
      case 'set':
        this.#yield(this.#receiving.set(event.part, event.interface, nowMs), nowMs)
        break
      case 'unknown':
        this.#peers.unknown(event, nowMs)
        this.#alarm('unknownBeat', event.node ?? '', nowMs)
        break
      case 'interface':
        this.#carry(event.interface, event.state, nowMs)
        break
      case 'redis':
        this.#read(event.placements, event.alive, nowMs)
        break
      case 'redisLost':
        this.#redisSinceMs = null
        this.#records.lost()
        break
      case 'stop':
        this.#stoppingSinceMs ??= nowMs
        this.#sending.beatAt(nowMs)
        break
      case 'tick':
        break
    }
  }

  #act(event: Event, nowMs: number): void {
    if (this.#isCut(nowMs) && this.#listeningSinceMs === null) this.#listen(nowMs)
    if (this.#listeningSinceMs !== null && this.#hasListened(nowMs)) this.#resume()
    const leaving = this.#stoppingSinceMs !== null
    const active = this.#listeningSinceMs === null && !leaving
    const taken = active && !this.#peers.unsynced(nowMs) ? takeovers(this.#watch, nowMs) : []
    // Before a tick something may have come in and not been told yet that shows the owner alive.
    this.#wantsTick = taken.length > 0 && event.is !== 'tick'
    if (!this.#wantsTick) this.#takeOver(taken, nowMs)
    this.#sending.run(nowMs, { leaving, impaired: this.#impaired })
    if (this.#stoppingSinceMs !== null) this.#stop(nowMs, this.#stoppingSinceMs)
  }

  #carry(name: string, state: Attached | null, nowMs: number): void {
    if (state === null) this.#interfaces.delete(name)
    else {
      if (state.carrier && !this.#interfaces.get(name)?.carrier) this.#peers.restart(nowMs, name)
      this.#interfaces.set(name, state)
    }
    const carriers = [...this.#interfaces.values()].map(one => one.carrier)
    const connected = carriers.includes(true)
    this.#impaired = connected && carriers.includes(false)
    if (!connected) this.#cutSinceMs ??= nowMs
    else {
      if (this.#isCut(nowMs)) this.#listen(nowMs)
      this.#cutSinceMs = null
    }
    this.#sending.beatAt(nowMs)
  }

  #read(placements: readonly Placement[], alive: readonly string[], nowMs: number): void {
    this.#redisSinceMs ??= nowMs
    const [claimed, yielded]: [Claim[], Claim[]] = [[], []]
    for (const reading of readingsOf(placements)) {
      const verdict = this.#records.take(reading) && this.#records.judge(reading)
      if (!verdict) continue
      if ('yield' in verdict) yielded.push(verdict.yield)
      else if (this.#stoppingSinceMs === null) claimed.push(verdict.claim)
    }
    this.#yield(yielded, nowMs)
    this.#claim(claimed, nowMs)
    for (const claim of this.#records.owed())
      this.#commands.push({ do: 'record', claim, outageMs: null })
    for (const node of this.#records.blocked(alive, this.#cutSinceMs !== null, nowMs)) {
      this.#alarm('beatsBlocked', node, nowMs)
    }
  }

  #listen(nowMs: number): void {
    const groups = [...this.#own.claims.keys()]
    if (this.#listeningSinceMs === null && groups.length > 0) {
      this.#commands.push({ do: 'cease', groups })
    }
    this.#listeningSinceMs = nowMs
    this.#redisSinceMs = null
    this.#peers.restart(nowMs, null)
    this.#sending.beatAt(nowMs)
  }

  /** Without a carrier for so long that others may have taken over: it answers no more, for who would hear it hears them too. */
  #isCut(nowMs: number): boolean {
    return this.#cutSinceMs !== null && nowMs - this.#cutSinceMs > limits.CUT_MAX_MS
  }

  #hasListened(nowMs: number): boolean {
    if (this.#isCut(nowMs)) return false
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
    const claims = [...this.#own.claims.values()]
    if (claims.length > 0) this.#commands.push({ do: 'answer', claims })
  }

  #takeOver(taken: readonly Takeover[], nowMs: number): void {
    const claims = taken.map(({ claim }) => claim)
    this.#claim(claims, nowMs)
    for (const { claim, outageMs } of taken) {
      this.#records.owe(claim.group)
      this.#commands.push({ do: 'record', claim, outageMs })
    }
  }

  #claim(claims: readonly Claim[], nowMs: number): void {
    if (claims.length === 0) return
    for (const claim of claims) this.#keep(claim)
    this.#commands.push({ do: 'remember', claims, dropped: [] })
    if (this.#listeningSinceMs === null) this.#commands.push({ do: 'answer', claims })
    this.#sending.change(claims, [], nowMs)
  }

  #keep(claim: Claim): void {
    this.#own.keep(claim)
    this.#peers.learnEpoch(claim.epoch.number)
  }

  #yield(claims: readonly Claim[], nowMs: number): void {
    if (claims.length === 0) return
    const groups = claims.map(claim => claim.group)
    for (const group of groups) {
      this.#own.drop(group)
      this.#records.forgive(group)
    }
    this.#commands.push({ do: 'remember', claims: [], dropped: claims })
    if (this.#listeningSinceMs === null) this.#commands.push({ do: 'cease', groups })
    this.#sending.change([], groups, nowMs)
  }

  #stop(nowMs: number, sinceMs: number): void {
    if (this.#own.claims.size > 0 && nowMs - sinceMs < limits.HANDOVER_MS) return
    this.#yield([...this.#own.claims.values()], nowMs)
    this.#stopped = true
    this.#commands.push({ do: 'stopped' })
  }

  #alarm(reason: limits.AlarmReason, node: string, nowMs: number): void {
    const key = `${reason} ${node}`
    const lastMs = this.#alarms.get(key) ?? Number.NEGATIVE_INFINITY
    if (nowMs - lastMs < limits.ALARM_EVERY_MS) return
    for (const [said, atMs] of this.#alarms) {
      if (nowMs - atMs >= limits.ALARM_EVERY_MS) this.#alarms.delete(said)
    }
    if (this.#alarms.size >= limits.ALARMS_MAX) return
    this.#alarms.set(key, nowMs)
    this.#commands.push({ do: 'alarm', reason, node })
  }

  #next(nowMs: number): number {
    if (this.#wantsTick) return nowMs
    let nextMs = this.#sending.nextMs()
    if (this.#listeningSinceMs !== null) {
      const listenedMs = this.#listeningSinceMs + limits.LISTEN_MS
      if (listenedMs > nowMs) nextMs = Math.min(nextMs, listenedMs)
    }
    return this.#peers.nextSilenceMs(nowMs, nextMs)
  }
}

function isFrame({ is }: Event): boolean {
  return is === 'beat' || is === 'set' || is === 'unknown'
}
