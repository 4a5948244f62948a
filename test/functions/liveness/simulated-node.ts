/** One simulated announcer: runs the protocol, is paused, killed, restarted, and remembers in its file. */
import type { Claim, Command, Event } from '../../../functions/liveness/messages.ts'
import { Protocol } from '../../../functions/liveness/protocol.ts'

export type MakeProtocol = (
  ...given: ConstructorParameters<typeof Protocol>
) => Pick<Protocol, 'step' | 'nextMs' | 'hears' | 'greatestEpoch'>

export const makeProtocol: MakeProtocol = (me, nowMs) => new Protocol(me, nowMs)

export class SimulatedNode {
  readonly index: number
  readonly name: string
  protocol: ReturnType<MakeProtocol> | null = null
  session = ''
  /** Own clock minus that of the world. */
  offsetMs = 0
  paused = false
  stopping = false
  reachesRedis = true
  incarnation = -1
  /** Frames that wait while it is paused. */
  queue: Event[] = []
  /** What its file says. */
  readonly remembered = new Map<string, Claim>()
  readonly answers = new Map<string, Claim>()
  /** When it last began to run: started, resumed, was put on a clock that jumped. */
  disturbedMs = 0
  tickAtMs = Number.POSITIVE_INFINITY
  #sessions = 0

  constructor(index: number) {
    this.index = index
    this.name = String.fromCharCode(97 + index)
  }

  get runs(): boolean {
    return this.protocol !== null && !this.paused
  }

  start(make: MakeProtocol, nowMs: number): void {
    this.session = `${this.name}${++this.#sessions}`
    const identity = {
      node: this.name,
      session: this.session,
      remembered: [...this.remembered.values()],
    }
    this.protocol = make(identity, nowMs + this.offsetMs)
    this.queue = []
    this.paused = false
    this.stopping = false
    this.disturbedMs = nowMs
    this.incarnation = -1
    this.tickAtMs = Number.POSITIVE_INFINITY
  }

  kill(): void {
    this.protocol = null
    this.queue = []
    this.answers.clear()
    this.paused = false
  }

  step(event: Event, nowMs: number): readonly Command[] {
    if (!this.protocol) return []
    const commands = this.protocol.step(event, nowMs + this.offsetMs)
    for (const command of commands) {
      if (command.do === 'answer')
        for (const one of command.claims) this.answers.set(one.group, one)
      else if (command.do === 'cease')
        for (const group of command.groups) this.answers.delete(group)
      else if (command.do === 'remember') {
        for (const one of command.claims) this.remembered.set(one.group, one)
        for (const { group } of command.dropped) this.remembered.delete(group)
      } else if (command.do === 'discard') this.queue = this.queue.filter(one => !isFrame(one))
    }
    return commands
  }
}

function isFrame({ is }: Event): boolean {
  return is === 'beat' || is === 'set'
}
