/**
 * Who may touch which key of Redis, as rules of its access control lists (redis.io, "ACL"; the key patterns need 7.0). Each
 * process has a user of its own: whoever breaks into one gets no more of Redis than it needs. Scripts run with the rights
 * of their caller, so that a key stands here with whoever calls the script that touches it.
 */
import { type Keys, keysOf } from './keys.ts'

export const USERS = ['watcher', 'allocator', 'announcer', 'console', 'console-admin'] as const
export type User = (typeof USERS)[number]

/** "rw" also where a script only reads a key that it declares: Redis asks for both then. */
type Access = '' | 'r' | 'rw'
type Row = readonly [watcher: Access, allocator: Access, announcer: Access]

/** A key that is missing here does not compile. What the console may read is all but the secret. */
const ACCESS: Readonly<Record<Exclude<keyof Keys, 'dirty' | 'rung'>, Row>> = {
  services: ['rw', 'rw', ''],
  endpoints: ['rw', 'rw', ''],
  nodes: ['rw', 'rw', ''],
  namespaces: ['rw', 'rw', ''],
  objects: ['rw', 'rw', ''],
  tombstones: ['rw', 'rw', ''],
  objectsRevision: ['rw', 'r', ''],
  configuration: ['rw', 'r', ''],
  windows: ['rw', '', 'r'],
  allocations: ['rw', 'rw', ''],
  addresses: ['rw', 'rw', 'r'],
  lan: ['rw', 'rw', 'rw'],
  page: ['rw', 'rw', ''],
  shareable: ['rw', 'rw', ''],
  used: ['rw', 'rw', ''],
  held: ['rw', 'rw', ''],
  reserved: ['rw', 'rw', ''],
  waiting: ['rw', 'rw', ''],
  wishes: ['rw', 'rw', ''],
  resting: ['rw', 'rw', ''],
  returning: ['rw', 'rw', ''],
  intents: ['rw', 'r', ''],
  unsaid: ['rw', 'r', ''],
  reservations: ['rw', 'rw', ''],
  drained: ['rw', 'r', ''],
  decided: ['rw', 'rw', ''],
  adopted: ['rw', 'rw', ''],
  adopting: ['rw', 'r', ''],
  adoptedNow: ['rw', '', ''],
  placements: ['r', 'rw', 'rw'],
  groupsOf: ['r', 'rw', 'rw'],
  standbyOf: ['r', 'rw', 'rw'],
  wanting: ['r', 'rw', 'rw'],
  epoch: ['r', 'rw', 'rw'],
  handed: ['', 'rw', 'rw'],
  leases: ['r', 'rw', 'rw'],
  beatKey: ['', '', 'rw'],
  announcers: ['r', 'r', 'rw'],
  history: ['rw', 'rw', ''],
  sweeper: ['', 'rw', ''],
}

/** By who rings or answers them. */
const QUEUES: Readonly<Record<string, Row>> = {
  allocate: ['rw', 'rw', ''],
  place: ['rw', 'rw', 'rw'],
  'announce-*': ['', 'rw', 'rw'],
  'publish-*': ['rw', 'rw', 'rw'],
}

/** Of unanswered bells: each queue has one, and so have the groups that were placed anew (state.ts). */
const BOOKS: Readonly<Record<string, Row>> = { ...QUEUES, 'announced-*': ['rw', 'rw', 'rw'] }

/** Reads and writes what its keys let it; BullMQ and our scripts are Lua, and both ask INFO which Redis it is. */
const READS =
  '-@all +@read +@connection -@admin -@dangerous -@scripting -scan -randomkey -dbsize +evalsha +eval +script|load +info +time'
const WRITES = READS.replace('+@read', '+@read +@write +@transaction')

/** One line for each user, but for its password: `user NAME RULES`. */
export function aclOf(prefix: string): string {
  return USERS.map(user => `user ${userName(user)} ${rulesOf(user, prefix)}\n`).join('')
}

/** Others may have users in the same Redis. */
export const userName = (user: User): string => `herald-${user}`

function rulesOf(user: User, prefix: string): string {
  if (user === 'console-admin') return [WRITES, ...queues(prefix, () => 'rw')].join(' ')
  // Without a command that writes it cannot, even where Redis asks for both of what a script declares.
  const column = USERS.indexOf(user)
  const accessOf = (row: Row): Access =>
    user === 'console' ? (row === ACCESS.beatKey ? '' : 'rw') : (row[column] ?? '')
  const all = [keys, queues, books].flatMap(patterns => patterns(prefix, accessOf))
  return [user === 'console' ? READS : WRITES, ...all].join(' ')
}

type AccessOf = (row: Row) => Access

function keys(prefix: string, accessOf: AccessOf): string[] {
  const all = keysOf(prefix)
  return Object.entries(ACCESS).flatMap(([name, row]) => {
    const key = all[name as keyof typeof ACCESS]
    return pattern(typeof key === 'string' ? key : key('*', '*'), accessOf(row))
  })
}

const queues = (prefix: string, accessOf: AccessOf): string[] =>
  Object.entries(QUEUES).flatMap(([queue, row]) => pattern(`${prefix}:${queue}:`, accessOf(row)))

const books = (prefix: string, accessOf: AccessOf): string[] =>
  Object.entries(BOOKS).flatMap(([book, row]) => pattern(keysOf(prefix).dirty(book), accessOf(row)))

function pattern(key: string, access: Access): string[] {
  if (access === '') return []
  return [`${access === 'rw' ? '~' : '%R~'}${key.endsWith(':') ? `${key}*` : key}`]
}
