/**
 * A piece of configuration and where it stands, so that whatever is wrong with it is said there. JSON
 * (the spec of an object) and YAML (the ConfigMap) become the same parts and are read by the same readers.
 * A reader never throws: it adds to `mistakes` and answers the nearest harmless value.
 */
export type Part = { readonly where: string } & (
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'scalar'
      readonly value: string | number | boolean
      /** Unquoted YAML: what it means depends on who reads it. */
      readonly plain: boolean
    }
  | { readonly kind: 'list'; items(): readonly Part[] }
  | {
      readonly kind: 'map'
      /** Keys that nobody knows are mistakes. */
      readonly strict: boolean
      entries(): ReadonlyMap<string, Part>
    }
)

/** What is wrong so far, in the order in which it was found. */
export type Mistakes = string[]

/** Null, absent and undefined are nothing; children are made when they are read. */
export function partOf(value: unknown, where: string): Part {
  if (value === null || value === undefined) return { where, kind: 'nothing' }
  if (Array.isArray(value)) {
    return {
      where,
      kind: 'list',
      items: () => value.map((one, i) => partOf(one, `${where}[${i}]`)),
    }
  }
  if (typeof value === 'object') {
    const entries = () =>
      new Map(Object.entries(value).map(([key, one]) => [key, partOf(one, `${where}.${key}`)]))
    return { where, kind: 'map', strict: false, entries }
  }
  const scalar = typeof value === 'number' || typeof value === 'boolean' ? value : String(value)
  return { where, kind: 'scalar', value: scalar, plain: false }
}

/** The named members of a map; undefined for those that are nothing. */
export function members<K extends string>(
  part: Part | undefined,
  names: readonly K[],
  mistakes: Mistakes,
): { readonly [name in K]?: Part } {
  const found: { [name in K]?: Part } = {}
  for (const [key, one] of entries(part, mistakes)) {
    const name = names.find(known => known === key)
    if (name && one.kind !== 'nothing') found[name] = one
    if (!name && part?.kind === 'map' && part.strict) {
      mistakes.push(`${one.where}: "${key}" is not known here: write one of ${names.join(', ')}`)
    }
  }
  return found
}

export function entries(part: Part | undefined, mistakes: Mistakes): ReadonlyMap<string, Part> {
  if (part?.kind === 'map') return part.entries()
  if (part && part.kind !== 'nothing') {
    mistakes.push(`${part.where}: ${shown(part)} is not a map: ${mapRemedy(part)}`)
  }
  return new Map()
}

export function items(part: Part | undefined, mistakes: Mistakes): readonly Part[] {
  if (part?.kind === 'list') return part.items()
  if (part && part.kind !== 'nothing') {
    mistakes.push(`${part.where}: ${shown(part)} is not a list: write a list, even of one`)
  }
  return []
}

/** '' for what is no text, and for nothing. `objection` says what is wrong with a text, or null. */
export function text(
  part: Part | undefined,
  mistakes: Mistakes,
  objection: (value: string) => string | null = () => null,
): string {
  if (!part) return ''
  const value = part.kind === 'scalar' && typeof part.value === 'string' ? part.value : null
  const wrong = value === null ? 'is not a text: write a text' : objection(value)
  if (wrong) mistakes.push(`${part.where}: ${shown(part)} ${wrong}`)
  return value ?? ''
}

export function texts(part: Part | undefined, mistakes: Mistakes): string[] {
  return items(part, mistakes).map(one => text(one, mistakes))
}

/** As MetalLB, in objects: the same thing twice in a list is a mistake. Maps are the same whatever the order of their keys. */
export function refuseDoubles(part: Part | undefined, mistakes: Mistakes): void {
  const seen = new Set<string>()
  for (const one of items(part, [])) {
    const content = contentOf(one)
    if (seen.has(content)) mistakes.push(`${one.where}: stands in the list twice: remove one`)
    seen.add(content)
  }
}

/** Equal for what means the same. */
export function contentOf(part: Part): string {
  if (part.kind === 'scalar') return JSON.stringify(part.value)
  if (part.kind === 'list') return `[${part.items().map(contentOf).sort().join()}]`
  if (part.kind === 'nothing') return ''
  const entries = [...part.entries()].map(([key, one]) => `${key}:${contentOf(one)}`)
  return `{${entries.sort().join()}}`
}

/** True and false, and unquoted in YAML also what YAML 1.1 took for them. */
export function flag(part: Part | undefined, fallback: boolean, mistakes: Mistakes): boolean {
  if (!part) return fallback
  if (part.kind === 'scalar') {
    if (typeof part.value === 'boolean') return part.value
    if (part.plain && /^(true|yes|on|y)$/i.test(String(part.value))) return true
    if (part.plain && /^(false|no|off|n)$/i.test(String(part.value))) return false
  }
  mistakes.push(`${part.where}: ${shown(part)} is neither true nor false: write true or false`)
  return fallback
}

/** A whole number within both bounds. */
export function whole(
  part: Part | undefined,
  [least, most]: readonly [number, number],
  fallback: number,
  mistakes: Mistakes,
): number {
  if (!part) return fallback
  const value = part.kind === 'scalar' ? numberOf(part.value, part.plain) : Number.NaN
  if (Number.isSafeInteger(value) && least <= value && value <= most) return value
  mistakes.push(
    `${part.where}: ${shown(part)} is not a whole number from ${least} to ${most}: write one`,
  )
  return fallback
}

/** The part in a sentence: short, and on one line. */
export function shown(part: Part): string {
  if (part.kind === 'nothing') return 'nothing'
  if (part.kind !== 'scalar') return `a ${part.kind}`
  const written = String(part.value)
  const short = written.length > 60 ? `${written.slice(0, 60)}…` : written
  return typeof part.value === 'string' ? JSON.stringify(short) : short
}

function numberOf(value: string | number | boolean, plain: boolean): number {
  if (typeof value === 'number') return value
  return plain && /^-?(0|[1-9]\d*)$/.test(String(value)) ? Number(value) : Number.NaN
}

/** A Chinese colon looks like one and is none. */
function mapRemedy(part: Part): string {
  return part.kind === 'scalar' && String(part.value).includes('：')
    ? 'write ":" and a space instead of "："'
    : 'write "name: value" lines'
}
