/** What the ConfigMap of MetalLB 0.7 to 0.12 says about BGP, as objects: Herald stores them and obeys none of them yet. */
import { SPELLING } from '../configure/bgp.ts'
import { flag, members, type Part, text, whole } from '../configure/part.ts'
import { readSelectors } from '../configure/selectors.ts'
import { type Manifest, manifest, nameFrom } from './manifest.ts'

const PROFILE = {
  'receive-interval': 'receiveInterval',
  'transmit-interval': 'transmitInterval',
  'detect-multiplier': 'detectMultiplier',
  'echo-interval': 'echoInterval',
  'minimum-ttl': 'minimumTtl',
} as const
const PROFILE_FLAGS = { 'echo-mode': 'echoMode', 'passive-mode': 'passiveMode' } as const

export function convertProfile(part: Part, at: { readonly namespace: string }): Manifest {
  const names = ['name', ...keysOf(PROFILE), ...keysOf(PROFILE_FLAGS)] as const
  const given = members(part, names, [])
  const numbers = keysOf(PROFILE).map(key => numberIn(given[key], PROFILE[key]))
  const flags = keysOf(PROFILE_FLAGS).map(key => flagIn(given[key], PROFILE_FLAGS[key]))
  const name = nameFrom(text(given.name, []))
  return manifest('BFDProfile', { ...at, name }, Object.assign({}, ...numbers, ...flags))
}

const PEER_NUMBERS = { 'my-asn': 'myASN', 'peer-asn': 'peerASN', 'peer-port': 'peerPort' } as const
const PEER_TEXTS = {
  'peer-address': 'peerAddress',
  'source-address': 'sourceAddress',
  'hold-time': 'holdTime',
  'keepalive-time': 'keepaliveTime',
  'router-id': 'routerID',
  password: 'password',
} as const

/** MetalLB's own hold time, said aloud: what serves the objects may have another default. */
const HOLD_TIME = '90s'

export function convertPeer(part: Part, at: { namespace: string; name: string }): Manifest {
  const others = ['node-selectors', 'bfd-profile', 'ebgp-multihop'] as const
  const given = members(part, [...keysOf(PEER_NUMBERS), ...keysOf(PEER_TEXTS), ...others], [])
  const numbers = keysOf(PEER_NUMBERS).map(key => numberIn(given[key], PEER_NUMBERS[key]))
  const texts = keysOf(PEER_TEXTS)
    .filter(key => given[key])
    .map(key => ({ [PEER_TEXTS[key]]: text(given[key], []) }))
  const profile = text(given['bfd-profile'], [])
  const nodeSelectors = readSelectors(given['node-selectors'], [], SPELLING)
  return manifest('BGPPeer', at, {
    holdTime: HOLD_TIME,
    ...Object.assign({}, ...numbers, ...texts),
    ...(profile ? { bfdProfile: nameFrom(profile) } : {}),
    ...flagIn(given['ebgp-multihop'], 'ebgpMultiHop'),
    ...(nodeSelectors.length > 0 ? { nodeSelectors } : {}),
  })
}

/** As a field of that name, where it is given. */
export function numberIn(part: Part | undefined, name: string): Readonly<Record<string, number>> {
  return part ? { [name]: whole(part, [0, Number.MAX_SAFE_INTEGER], 0, []) } : {}
}

function flagIn(part: Part | undefined, name: string): Readonly<Record<string, boolean>> {
  return flag(part, false, []) ? { [name]: true } : {}
}

const keysOf = <T extends object>(names: T): (keyof T & string)[] =>
  Object.keys(names) as (keyof T & string)[]
