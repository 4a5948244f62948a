/**
 * What announcers say to each other on the LAN (design.md "Beats"), what happens to one, and what it
 * then does. Times are milliseconds of one clock that never goes back; sessions are random nonces.
 */
import type { AddressRange } from '../model/address.ts'
import type { Epoch, PlacedNode, Placement } from '../model/placement.ts'

/** A node says that it answers for a group, and who shall when it falls silent. */
export interface Claim {
  readonly group: string
  /** Empty: too many for a message, Redis has them. */
  readonly addresses: readonly string[]
  readonly epoch: Epoch
  readonly owner: PlacedNode
  readonly standbys: readonly PlacedNode[]
}

interface Sent {
  readonly node: string
  /** New at each start of the announcer: who restarted is somebody else. */
  readonly session: string
  /** The sender's own name of the interface that it was sent on. */
  readonly interface: string
  /** Grows with every message of a session; a message that does not grow is a replay. */
  readonly sequence: number
}

export interface Beat extends Sent {
  /** Sessions heard within the silence limit, on any interface. */
  readonly hears: readonly Heard[]
  /** Of the set of (group, epoch) that the sender claims (see digest.ts). */
  readonly digest: number
  /** About to stop: the standbys shall take over now. */
  readonly leaving: boolean
  /** An interface of the sender has no carrier while another has: on whose LAN, shows where this beat does not come in. */
  readonly impaired: boolean
}

export interface Heard {
  readonly session: string
  /** False asks for the set of that session: what is known of it differs from the digest it beats. */
  readonly synced: boolean
}

/** Part of a set: everything said of the groups in it; parts of one set do not overlap. */
export interface SetPart extends Sent {
  readonly claims: readonly Claim[]
  /** Not claimed any more. */
  readonly dropped: readonly string[]
  /**
   * Groups `after` < group <= `upTo` (null: all that follow) that are not in `claims` are not claimed; null: nothing is
   * said of others.
   */
  readonly range: { readonly after: string; readonly upTo: string | null } | null
}

export type Event =
  /** Time has passed, and all frames that came in meanwhile were told. */
  | { readonly is: 'tick' }
  | { readonly is: 'beat'; readonly interface: string; readonly beat: Beat }
  | { readonly is: 'set'; readonly interface: string; readonly part: SetPart }
  /** A beat that says it is of `node` and failed authentication, or is of a version not understood. */
  | { readonly is: 'unknown'; readonly interface: string; readonly node: string | null }
  /** Null when the interface is gone or does not announce any more. */
  | { readonly is: 'interface'; readonly interface: string; readonly state: Attached | null }
  /** Redis was read: all that concerns this node, and who renews a lease there. */
  | {
      readonly is: 'redis'
      readonly placements: readonly Placement[]
      readonly alive: readonly string[]
    }
  | { readonly is: 'redisLost' }
  /** A planned stop begins. */
  | { readonly is: 'stop' }

/** An own interface, and the LAN at it. */
export interface Attached {
  readonly carrier: boolean
  /** In which it has an address. */
  readonly networks: readonly AddressRange[]
}

export type Command =
  | { readonly do: 'beat'; readonly beat: Beat }
  /** May be longer than a frame: functions/wire/beat.ts splits it. */
  | { readonly do: 'set'; readonly part: SetPart }
  /** Answer for these and announce them. */
  | { readonly do: 'answer'; readonly claims: readonly Claim[] }
  | { readonly do: 'cease'; readonly groups: readonly string[] }
  /** Owned from now on, or no more: to be remembered for the next start, answered or not. */
  | {
      readonly do: 'remember'
      readonly claims: readonly Claim[]
      readonly dropped: readonly Claim[]
    }
  /** Throw away the frames that are already queued: they are older than the pause. */
  | { readonly do: 'discard' }
  /** Write down in Redis, if it is there, what was taken over; said again until Redis shows it. */
  | {
      readonly do: 'record'
      readonly claim: Claim
      /** For so long nobody answered before it was taken over, as far as can be known; null where it is said again. */
      readonly outageMs: number | null
    }
  /** At most once in ALARM_EVERY_MS for the same reason and node. */
  | { readonly do: 'alarm'; readonly reason: AlarmReason; readonly node: string }
  /** The planned stop is done: nothing is answered any more. */
  | { readonly do: 'stopped' }

export type AlarmReason =
  /** Its beats fail authentication. */
  | 'unknownBeat'
  /** Renews in Redis, but its beats do not get through. */
  | 'beatsBlocked'

export const BEAT_EVERY_MS = 100
/** Three beats: whoever is not heard for so long is silent. */
export const SILENT_AFTER_MS = 300
/** Later than it meant to be: what looks like the silence of others was its own. */
export const LATE_AFTER_MS = 50
/** All beats that a node sends at once have come in by then, on whatever LAN. */
export const TOGETHER_MS = 50
/** Nobody else is there: what was owned is answered for again. */
export const ALONE_AFTER_MS = 1000
/** One beat, and half of one for its way: everybody there has been heard. */
export const LISTEN_MS = 150
/** A set is sent whole no more often than this, and a great one no more often than there is time to read it. */
export const SET_EVERY_MS = 50
export const SET_CLAIMS_PER_MS = 5
/** A living node whose set cannot be had for so long holds up no takeover any more. */
export const UNSYNCED_MAX_MS = 1000
/** A planned stop waits so long for standbys. */
export const HANDOVER_MS = 3000
export const ALARM_EVERY_MS = 10_000
/** In that time; whoever can send frames can make up names of nodes. */
export const ALARMS_MAX = 64
/** A node that renews in Redis and is not heard for so long is reported. */
export const BLOCKED_AFTER_MS = 5000
/** Without a carrier anywhere for so long, others may have taken over: cease, and listen first when it returns. */
export const CUT_MAX_MS = 100
/** A change is said again with so many beats: a lost frame must not cost a round of asking. */
export const REPEATS = 2
/** Of a greater one the digest tells who lacks what: to say it again would keep all busy just when many addresses move. */
export const REPEATED_MAX = 16
/** A set that differs from what its sender beats is asked for after so long. */
export const ASK_MS = 10
