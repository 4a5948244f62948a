/** A Compose file as the engine reads it: merge keys, then variables (Compose specification, Interpolation). */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

export interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly volumes: Readonly<Record<string, unknown>>
}

export interface ComposeService {
  readonly image: string
  readonly user?: string
  readonly command?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly restart?: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly cap_add?: readonly string[]
  readonly network_mode?: string
  readonly privileged?: boolean
  readonly container_name?: string
  readonly ports?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly volumes?: readonly (string | { readonly source: string; readonly target: string })[]
}

export function readCompose(
  path: string,
  variables: Readonly<Record<string, string>> = {},
): Compose {
  return interpolated(parse(readFileSync(path, 'utf8'), { merge: true }), variables) as Compose
}

function interpolated(value: unknown, variables: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$(\$|\{(\w+)(?::-([^}]*))?\})/g, (_, all, name, fallback) =>
      all === '$' ? '$' : variables[name] || (fallback ?? ''),
    )
  }
  if (Array.isArray(value)) return value.map(one => interpolated(one, variables))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, interpolated(one, variables)]),
  )
}
