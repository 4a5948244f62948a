/** What the main thread and the thread of the link say to each other; all of it survives structured cloning. */
import type { DropReason } from '../../functions/announce/answer.ts'
import type { ProbePlan } from '../../functions/announce/guard.ts'
import type { NeighborDropReason } from '../../functions/announce/neighbor.ts'
import type { Command } from '../../functions/liveness/messages.ts'
import type { Identity } from '../../functions/liveness/protocol.ts'
import type { AddressRange } from '../../functions/model/address.ts'
import type { Asking, Finding } from '../../functions/model/finding.ts'
import type { AnnouncerInterface } from '../../functions/model/node.ts'
import type { Placement } from '../../functions/model/placement.ts'
import type { Secrets } from '../../functions/wire/beat.ts'

/** What the thread is started with. */
export interface ThreadSettings {
  readonly excludeInterfaces: readonly RegExp[]
  /** To one asker; undefined: functions/announce/askers.ts says. */
  readonly answersPerSecond: number | undefined
  /** Null: what is answered for is what `set` says. */
  readonly member: MemberSettings | null
}

/** Who this node is among the announcers of its LANs. */
export interface MemberSettings extends Identity, Secrets {
  /** How an address is probed before its first announcement. */
  readonly probe: ProbePlan
  /** What it claimed and had not announced when it last ran. */
  readonly withheld: readonly Withheld[]
  /** Nothing else is answered for, whoever says so; null: no bound. */
  readonly bound: readonly AddressRange[] | null
}

/** An address that is claimed and was never announced by anybody, as far as this node knows. */
export type Withheld = readonly [address: string, asking: Asking]

/** What the main thread has to do for the member. */
export type MemberCommand = Extract<
  Command,
  { readonly do: 'remember' | 'record' | 'alarm' | 'stopped' }
>

export interface LinkInterface extends AnnouncerInterface {
  readonly index: number
  /** There is a carrier. */
  readonly running: boolean
}

export type Order =
  /** IPv4 addresses as numbers, each with the names of its interfaces or null. */
  | {
      readonly do: 'set'
      readonly addresses: readonly (readonly [number, readonly string[] | null])[]
    }
  | { readonly do: 'announce'; readonly addresses: readonly number[] }
  /** Report solicitations from now on, or no more. */
  | { readonly do: 'hear'; readonly solicitations: boolean }
  /** What Redis has, for the member: null, it is away. */
  | {
      readonly do: 'read'
      readonly redis: {
        readonly placements: readonly Placement[]
        readonly alive: readonly string[]
        /** Addresses of this node that nobody has announced yet: they are probed first. */
        readonly unprobed: readonly Withheld[]
      } | null
    }
  /** For the member: whoever was heard to have these does not matter, they are to be answered for. */
  | { readonly do: 'begin'; readonly addresses: readonly string[] }
  /** For the member: other bounds from now on. */
  | { readonly do: 'bound'; readonly bound: readonly AddressRange[] }
  /** A planned stop begins: hand over. */
  | { readonly do: 'leave' }
  | { readonly do: 'collect' }
  | { readonly do: 'count'; readonly id: number }
  | { readonly do: 'stop' }

export type Report =
  /** The sockets are bound. Eight octets written to `wakeFd` make the thread read its orders. */
  | {
      readonly is: 'ready'
      readonly wakeFd: number
      readonly interfaces: readonly LinkInterface[]
    }
  | { readonly is: 'interfaces'; readonly interfaces: readonly LinkInterface[] }
  /** A frame with a Neighbor Solicitation that was sent to one address, and the index of the interface. */
  | { readonly is: 'solicitation'; readonly index: number; readonly frame: Uint8Array }
  | { readonly is: 'member'; readonly commands: readonly MemberCommand[] }
  /** IPv6 addresses that this node answers for, each with the names of its interfaces or null. */
  | {
      readonly is: 'answers'
      readonly ipv6: readonly (readonly [string, readonly string[] | null])[]
    }
  /** Whom the member hears has changed, or the number of the greatest epoch known. */
  | { readonly is: 'hears'; readonly nodes: readonly string[]; readonly greatestEpoch: number }
  | { readonly is: 'found'; readonly findings: readonly Finding[] }
  /** To be remembered for the next start, until it is answered for or not claimed any more. */
  | {
      readonly is: 'withheld'
      readonly begun: readonly Withheld[]
      readonly ended: readonly string[]
    }
  | { readonly is: 'counters'; readonly id: number; readonly counters: ArpCounters }
  | {
      readonly is: 'log'
      readonly level: 'debug' | 'info' | 'warn'
      readonly fields: object
      readonly message: string
    }
  /** The thread could not begin; it ends. */
  | { readonly is: 'refused'; readonly call: string; readonly code: string }

/** Of ARP alone. */
export interface ArpCounters extends LinkCounters {
  readonly drops: Readonly<Record<DropReason, number>>
}

/** Frames are ARP frames, or ICMPv6 messages of NDP. */
export interface LinkCounters {
  /** By address; only those that are announced now. */
  readonly addresses: Readonly<Record<string, AddressCounters>>
  /** Frames that were not answered, by reason; those of NDP are there only once IPv6 is announced. */
  readonly drops: Readonly<Partial<Record<DropReason | NeighborDropReason, number>>>
  /** Frames that could not be sent, by error: "ENETDOWN". */
  readonly sendErrors: Readonly<Record<string, number>>
  /** Frames that came faster than they were read, by interface. */
  readonly lost: Readonly<Record<string, number>>
  /** Null without a member. */
  readonly beats: BeatCounters | null
  readonly conflicts: ConflictCounters | null
}

/** Frames in which somebody else claims an address of ours, by whether it was still probed or announced already. */
export interface ConflictCounters {
  readonly probe: number
  readonly announcement: number
}

/** Beats and sets. */
export interface BeatCounters {
  readonly sent: number
  readonly received: number
  /** Beats that did not come in (functions/liveness/loss.ts). */
  readonly lost: number
  /** Not understood or not sent, by reason. */
  readonly drops: Readonly<Record<string, number>>
}

export interface AddressCounters {
  readonly requestsReceived: number
  readonly responsesSent: number
  /** Frames: each time and interface two of ARP, or one of NDP. */
  readonly announcementsSent: number
}
