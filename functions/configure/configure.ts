/**
 * Judges all configuration objects together. What is good goes into force; whatever is bad is refused on
 * its own object, and its last good version stays in force. Two sources at once are refused whole.
 * The same objects in any order give the same answer.
 */
import type {
  Configuration,
  ConfigurationFault,
  ConfigurationObject,
} from '../model/configuration.ts'
import { readAdvertisement } from './advertisement.ts'
import { readConfigMap } from './configmap.ts'
import type { Mistakes } from './part.ts'
import { readPool } from './pool.ts'
import { type Judged, settle } from './settle.ts'

export interface Judgement {
  readonly configuration: Configuration
  /** At most one for each object; sorted by kind and name. */
  readonly faults: readonly ConfigurationFault[]
}

export function configure(
  objects: readonly ConfigurationObject[],
  previous: Configuration | null,
): Judgement {
  const inForce = previous ?? NOTHING
  const sorted = [...objects].sort((a, b) => compare(a.kind, b.kind) || compare(a.name, b.name))
  const configMap = sorted.find(object => object.kind === 'ConfigMap')
  if (!configMap) return judgeObjects(sorted, inForce)
  return sorted.every(object => object.kind === 'ConfigMap')
    ? judgeConfigMap(configMap, inForce)
    : refuseBoth(sorted, configMap, inForce)
}

const NOTHING: Configuration = { source: 'none', pools: [], advertisements: [] }

function judgeObjects(objects: readonly ConfigurationObject[], inForce: Configuration): Judgement {
  if (objects.length === 0) return { configuration: NOTHING, faults: [] }
  const pools = judgeEach(objects, 'IPAddressPool', readPool)
  const { pools: settled, refusals } = settle(pools, inForce.pools)
  const advertisements = judgeEach(objects, 'L2Advertisement', readAdvertisement)
  const old = new Map(inForce.advertisements.map(one => [one.name, one]))
  return {
    configuration: {
      source: 'objects',
      pools: settled,
      advertisements: advertisements.flatMap(({ name, good }) => good ?? old.get(name) ?? []),
    },
    faults: [
      ...refusals.map(({ name, mistakes, kept }) =>
        faultOf('IPAddressPool', name, mistakes, consequence('pool', kept)),
      ),
      ...advertisements.flatMap(({ name, good, mistakes }) =>
        good
          ? []
          : [
              faultOf(
                'L2Advertisement',
                name,
                mistakes,
                consequence('advertisement', old.has(name)),
              ),
            ],
      ),
    ].sort((a, b) => compare(a.kind, b.kind) || compare(a.name, b.name)),
  }
}

const consequence = (noun: string, kept: boolean): string =>
  kept
    ? `The last good version of this ${noun} stays in force.`
    : `This ${noun} is not in force, since it has no good version yet.`

/** MetalLB's rule of v0.7: one mistake refuses the whole map. */
function judgeConfigMap(object: ConfigurationObject, inForce: Configuration): Judgement {
  const mistakes: Mistakes = []
  const { pools, advertisements } = readConfigMap(object, mistakes)
  if (mistakes.length > 0) {
    return {
      configuration: inForce,
      faults: [faultOf(object.kind, object.name, mistakes, ALL_KEPT)],
    }
  }
  return { configuration: { source: 'configmap', pools, advertisements }, faults: [] }
}

function refuseBoth(
  objects: readonly ConfigurationObject[],
  configMap: ConfigurationObject,
  inForce: Configuration,
): Judgement {
  const others = objects.filter(object => object.kind !== 'ConfigMap')
  const [first] = others.map(object => `${object.kind} "${object.name}"`)
  const more = others.length > 1 ? ` and ${others.length - 1} more` : ''
  const mistakes =
    `There are two sources of configuration: the ConfigMap "${configMap.name}", and ` +
    `metallb.io objects (${first}${more}). Neither is obeyed: delete the ConfigMap or all of the ` +
    'metallb.io objects'
  const message = `${mistakes}. ${ALL_KEPT}`
  return {
    configuration: inForce,
    faults: objects.map(({ kind, name }) => ({ kind, name, mistakes, message })),
  }
}

function judgeEach<T>(
  objects: readonly ConfigurationObject[],
  kind: ConfigurationObject['kind'],
  read: (object: ConfigurationObject, mistakes: Mistakes) => T,
): Judged<T>[] {
  return objects
    .filter(object => object.kind === kind)
    .map(object => {
      const mistakes: Mistakes = []
      const good = read(object, mistakes)
      return { name: object.name, good: mistakes.length > 0 ? null : good, mistakes }
    })
}

const ALL_KEPT = 'What was in force before stays in force.'

/** An event holds 1,024 bytes; who made this many mistakes looks again after these. */
const MISTAKES_MAX = 20

function faultOf(
  kind: ConfigurationObject['kind'],
  name: string,
  mistakes: Mistakes,
  consequence: string,
): ConfigurationFault {
  const shown = mistakes.slice(0, MISTAKES_MAX)
  const more = mistakes.length - shown.length
  const list =
    shown.length === 1
      ? shown.join()
      : `${mistakes.length} mistakes: ${shown.map((one, i) => `(${i + 1}) ${one}`).join('; ')}`
  const told = inOneLine(`${list}${more > 0 ? `; and ${more} more` : ''}`)
  return { kind, name, mistakes: told, message: `${told}. ${consequence}` }
}

/** What somebody wrote may hold anything; who reads an event or a log line by line must see where it is. */
const inOneLine = (text: string): string =>
  text.replace(
    /[\p{Cc}\u2028\u2029]/gu,
    sign => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
