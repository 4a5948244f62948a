/**
 * Says before an object is stored what the parser would say of it afterwards, in the same words (metallb-behaviour 9). What
 * is stored already is not held against its owner: a write that changes nothing the parser reads always passes, and so does
 * everything about an object that is being deleted.
 */
import { type Advice, advise } from '../configure/advice.ts'
import { configure } from '../configure/configure.ts'
import { readPool } from '../configure/pool.ts'
import type { Configuration, ConfigurationObject } from '../model/configuration.ts'
import { projectConfiguration } from '../watch/project.ts'
import {
  bgpAdvertisementMistakes,
  communityMistakes,
  type Named,
  peerMistakes,
  peersWith,
} from './bgp.ts'
import type { Opinion, Question } from './review.ts'

/** The kinds that are judged. */
export const KINDS = [
  'IPAddressPool',
  'L2Advertisement',
  'ConfigMap',
  'BGPAdvertisement',
  'BGPPeer',
  'BFDProfile',
  'Community',
] as const

export type Kind = (typeof KINDS)[number]

export interface AdmitState {
  /** Where the configuration lies. */
  readonly namespace: string
  /** Objects of the kinds `consulted` names, all of the namespace. */
  readonly others: Readonly<Partial<Record<Kind, readonly unknown[]>>>
  /** Null while nobody has judged one. */
  readonly inForce: Configuration | null
  /** Addresses of the cluster's nodes. */
  readonly nodeAddresses: readonly string[]
}

/** The objects that the judgement of this one depends on. */
export function consulted({ kind, operation }: Question): readonly Kind[] {
  if (operation === 'DELETE') return kind === 'BFDProfile' ? ['BGPPeer'] : []
  if (isConfiguration(kind)) return CONFIGURATION
  if (kind === 'BGPAdvertisement') return ['BGPAdvertisement', 'IPAddressPool']
  return kind === 'Community' ? ['Community'] : []
}

/** Why the object may not be stored, or not be deleted, if so; and what will surprise its owner. */
export function admit(question: Question, state: AdmitState): Opinion {
  const { kind, operation, namespace, name, object } = question
  const home = namespace === state.namespace
  if (kind === 'ConfigMap' && (name !== CONFIG_MAP || !home)) return CONTENT
  if (operation === 'DELETE') return kind === 'BFDProfile' ? profileInUse(question, state) : CONTENT
  if (!home) {
    return operation === 'CREATE' && KINDS.some(one => one === kind)
      ? refused(
          `${kind} "${name}" must be created in namespace "${state.namespace}": Herald obeys no other`,
        )
      : CONTENT
  }
  if (isUnchanged(question) || isLeaving(object)) return CONTENT
  if (isConfiguration(kind)) return judgeConfiguration(kind, question, state)
  const mistakes = bgpMistakes(question, state)
  return mistakes.length > 0 ? refused(mistakes.join('; ')) : CONTENT
}

const CONTENT: Opinion = { refusal: null, warnings: [] }
const refused = (refusal: string): Opinion => ({ refusal, warnings: [] })

const CONFIGURATION: readonly ConfigurationObject['kind'][] = [
  'IPAddressPool',
  'L2Advertisement',
  'ConfigMap',
]
const CONFIG_MAP = 'config'

const isConfiguration = (kind: string): kind is ConfigurationObject['kind'] =>
  CONFIGURATION.some(one => one === kind)

/**
 * First what is stored is judged, so that it counts as in force although nobody may have come to that yet, then what would
 * be: of two pools applied together the second one is refused, whatever their names.
 */
function judgeConfiguration(
  kind: ConfigurationObject['kind'],
  { object }: Question,
  { others, inForce, nodeAddresses }: AdmitState,
): Opinion {
  const stored = CONFIGURATION.flatMap(one =>
    (others[one] ?? []).map(other => projectConfiguration(one, other)),
  ).filter(one => one.kind !== 'ConfigMap' || one.name === CONFIG_MAP)
  const candidate = projectConfiguration(kind, object)
  const rest = stored.filter(one => one.kind !== kind || one.name !== candidate.name)
  const before = configure(stored, inForce).configuration
  const { configuration, faults } = configure([...rest, candidate], before)
  const isMine = (one: Advice) => one.kind === kind && one.name === candidate.name
  const fault = faults.find(isMine)
  return fault
    ? refused(fault.mistakes)
    : {
        refusal: null,
        warnings: advise(configuration, nodeAddresses)
          .filter(isMine)
          .map(one => one.message),
      }
}

function bgpMistakes(question: Question, { others }: AdmitState): readonly string[] {
  const named = namedOf(question.object)
  const all = (kind: Kind) => (others[kind] ?? []).map(namedOf)
  switch (question.kind) {
    case 'BGPPeer':
      return peerMistakes(named)
    case 'BGPAdvertisement': {
      const pools = (others.IPAddressPool ?? []).map(one =>
        readPool(projectConfiguration('IPAddressPool', one), []),
      )
      return bgpAdvertisementMistakes(named, all('BGPAdvertisement'), pools)
    }
    case 'Community':
      return communityMistakes(named, all('Community'))
    default:
      return []
  }
}

function profileInUse({ name, namespace }: Question, state: AdmitState): Opinion {
  if (namespace !== state.namespace) return CONTENT
  const peers = peersWith(name, (state.others.BGPPeer ?? []).map(namedOf))
  if (peers.length === 0) return CONTENT
  const list = peers.map(one => `"${one}"`).join(', ')
  return refused(`BFDProfile "${name}" is used by BGPPeer ${list}: change or delete that first`)
}

/** The projection has everything the parser reads. */
function isUnchanged({ kind, object, oldObject }: Question): boolean {
  if (oldObject === null) return false
  const content = (one: unknown) => {
    const { spec, annotations } = projectConfiguration(
      isConfiguration(kind) ? kind : 'IPAddressPool',
      one,
    )
    return JSON.stringify([spec, annotations])
  }
  return content(object) === content(oldObject)
}

const isLeaving = (object: unknown): boolean =>
  Boolean(
    (object as { metadata?: { deletionTimestamp?: unknown } } | null)?.metadata?.deletionTimestamp,
  )

function namedOf(object: unknown): Named {
  const { name, spec } = projectConfiguration('IPAddressPool', object)
  return { name, spec }
}
