/** What the main thread and the thread of the link say to each other; all of it survives structured cloning. */
import type { DropReason } from '../../functions/announce/answer.ts'
import type { AnnouncerInterface } from '../../functions/model/node.ts'

/** What the thread is started with. */
export interface ThreadSettings {
  readonly excludeInterfaces: readonly RegExp[]
  /** To one asker; undefined: functions/announce/askers.ts says. */
  readonly answersPerSecond: number | undefined
}

export type Order =
  /** IPv4 addresses as numbers, each with the names of its interfaces or null. */
  | {
      readonly do: 'set'
      readonly addresses: readonly (readonly [number, readonly string[] | null])[]
    }
  | { readonly do: 'announce'; readonly addresses: readonly number[] }
  | { readonly do: 'count'; readonly id: number }
  | { readonly do: 'stop' }

export type Report =
  /** The sockets are bound. Eight octets written to `wakeFd` make the thread read its orders. */
  | {
      readonly is: 'ready'
      readonly wakeFd: number
      readonly interfaces: readonly AnnouncerInterface[]
    }
  | { readonly is: 'interfaces'; readonly interfaces: readonly AnnouncerInterface[] }
  | { readonly is: 'counters'; readonly id: number; readonly counters: LinkCounters }
  | {
      readonly is: 'log'
      readonly level: 'debug' | 'info' | 'warn'
      readonly fields: object
      readonly message: string
    }
  /** The thread could not begin; it ends. */
  | { readonly is: 'refused'; readonly call: string; readonly code: string }

export interface LinkCounters {
  /** By address; only those that are announced now. */
  readonly addresses: Readonly<Record<string, AddressCounters>>
  /** Frames that were not answered, by reason. */
  readonly drops: Readonly<Record<DropReason, number>>
  /** Frames that could not be sent, by error: "ENETDOWN". */
  readonly sendErrors: Readonly<Record<string, number>>
  /** Frames that came faster than they were read, by interface. */
  readonly lost: Readonly<Record<string, number>>
}

export interface AddressCounters {
  readonly requestsReceived: number
  readonly responsesSent: number
  /** Frames, two each time and interface. */
  readonly announcementsSent: number
}
