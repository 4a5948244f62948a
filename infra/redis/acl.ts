/**
 * Who may touch which key of Redis, as rules of its access control lists (redis.io, "ACL"; the key patterns need 7.0). Each
 * process has a user of its own, and so has who operates them: whoever breaks into one gets no more of Redis than it needs.
 * Scripts run with the rights of their caller, so that a key stands here with whoever calls the script that touches it.
 */
import { type Keys, keysOf } from './keys.ts'

/** Of processes. */
export const PROCESSES = ['watcher', 'allocator', 'announcer', 'console', 'console-admin'] as const
/** Of whoever is none: the commands that change something, and KEDA, which scales allocators by what waits. */
export const OPERATORS = ['operator', 'keda'] as const
export type User = (typeof PROCESSES)[number] | (typeof OPERATORS)[number]

/** "rw" also where a script only reads a key that it declares: Redis asks for both then. */
type Access = '' | 'r' | 'rw'
type Row = readonly [watcher: Access, allocator: Access, announcer: Access, operator: Access]

/** The users that have a column of their own. */
const COLUMNS: readonly User[] = ['watcher', 'allocator', 'announcer', 'operator']

/** A key that is missing here does not compile. What the console may read is all but the secret. */
const ACCESS: Readonly<Record<Exclude<keyof Keys, 'dirty' | 'rung'>, Row>> = {
  services: ['rw', 'rw', '', 'r'],
  endpoints: ['rw', 'rw', '', 'r'],
  nodes: ['rw', 'rw', '', 'r'],
  namespaces: ['rw', 'rw', '', 'r'],
  objects: ['rw', 'rw', '', 'r'],
  tombstones: ['rw', 'rw', '', 'r'],
  objectsRevision: ['rw', 'r', '', 'r'],
  configuration: ['rw', 'r', '', 'r'],
  windows: ['rw', '', 'r', 'r'],
  allocations: ['rw', 'rw', '', 'r'],
  addresses: ['rw', 'rw', 'r', 'rw'],
  lan: ['rw', 'rw', 'rw', 'r'],
  page: ['rw', 'rw', '', 'rw'],
  shareable: ['rw', 'rw', '', 'r'],
  used: ['rw', 'rw', '', 'r'],
  held: ['rw', 'rw', '', 'r'],
  reserved: ['rw', 'rw', '', 'rw'],
  waiting: ['rw', 'rw', '', 'r'],
  wishes: ['rw', 'rw', '', 'r'],
  resting: ['rw', 'rw', '', 'rw'],
  returning: ['rw', 'rw', '', 'rw'],
  intents: ['rw', 'r', '', 'r'],
  unsaid: ['rw', 'r', '', 'r'],
  reservations: ['rw', 'rw', '', 'rw'],
  drained: ['rw', 'r', '', 'rw'],
  decided: ['rw', 'rw', '', 'rw'],
  adopted: ['rw', 'rw', '', 'rw'],
  adopting: ['rw', 'r', '', 'r'],
  adoptedNow: ['rw', '', '', 'r'],
  placements: ['r', 'rw', 'rw', 'rw'],
  groupsOf: ['r', 'rw', 'rw', 'rw'],
  standbyOf: ['r', 'rw', 'rw', 'rw'],
  wanting: ['r', 'rw', 'rw', 'rw'],
  epoch: ['r', 'rw', 'rw', 'rw'],
  handed: ['', 'rw', 'rw', 'rw'],
  leases: ['r', 'rw', 'rw', 'rw'],
  beatKey: ['', '', 'rw', ''],
  announcers: ['r', 'r', 'rw', 'r'],
  history: ['rw', 'rw', '', 'rw'],
  sweeper: ['', 'rw', '', 'r'],
}

/** By who rings or answers them. */
const QUEUES: Readonly<Record<string, Row>> = {
  allocate: ['rw', 'rw', '', 'rw'],
  place: ['rw', 'rw', 'rw', 'rw'],
  'announce-*': ['', 'rw', 'rw', 'rw'],
  'publish-*': ['rw', 'rw', 'rw', 'rw'],
}

/** Of unanswered bells: each queue has one, and so have the groups that were placed anew (state.ts). */
const BOOKS: Readonly<Record<string, Row>> = { ...QUEUES, 'announced-*': ['rw', 'rw', 'rw', 'rw'] }

/**
 * Reads and writes what its keys let it; BullMQ and our scripts are Lua, and both ask INFO which Redis it is; a client of a Redis
 * Cluster asks where its slots are.
 */
const READS =
  '-@all +@read +@connection -@admin -@dangerous -@scripting -scan -randomkey -dbsize +evalsha +eval +script|load +info +time +cluster|slots +cluster|info'
const WRITES = READS.replace('+@read', '+@read +@write +@transaction')
/** A script of KEDA's asks how long a list is, having asked for its type (kedacore/keda, pkg/scalers/redis_scaler.go). */
const MEASURES = '-@all +@connection -@admin -@dangerous +eval +evalsha +type +llen +cluster|slots'

/** One line for each user, but for its password: `user NAME RULES`. */
export function aclOf(prefix: string): string {
  return [...PROCESSES, ...OPERATORS]
    .map(user => `user ${userName(user)} ${rulesOf(user, prefix)}\n`)
    .join('')
}

/** Others may have users in the same Redis. */
export const userName = (user: User): string => `herald-${user}`

function rulesOf(user: User, prefix: string): string {
  if (user === 'console-admin') return [WRITES, ...queues(prefix, () => 'rw')].join(' ')
  if (user === 'keda') return [MEASURES, `~${prefix}:allocate:wait`].join(' ')
  // Without a command that writes it cannot, even where Redis asks for both of what a script declares.
  const column = COLUMNS.indexOf(user)
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
