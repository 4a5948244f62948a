/**
 * The rules that a CustomResourceDefinition writes in CEL (x-kubernetes-validations), judged as the real server does
 * (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel). Costs are not counted, and Kubernetes' own functions beyond
 * standard CEL are not known.
 */
import { Environment } from '@marcbachmann/cel-js'
import { type Cause, cause } from './api-error.ts'
import { equal, isObject, type Json } from './object.ts'
import { counterpart, fieldOf, memberBefore, type Schema, type ValidationRule } from './schema.ts'

/** What a value breaks of its rules. `old` is what stood there before; undefined where nothing comparable did. */
export function ruleCauses(
  value: Json,
  old: Json | undefined,
  schema: Schema,
  path: string,
): Cause[] {
  const own = (schema['x-kubernetes-validations'] ?? []).flatMap(rule => {
    const why = fault(rule, value, old, schema)
    return why === null ? [] : [causeOf(rule, why, value, schema, path)]
  })
  return [...own, ...partsOf(value, old, schema, path)]
}

/** True when this schema or any part of it has rules. */
export function hasRules(schema: Schema): boolean {
  const known = judged.get(schema)
  if (known !== undefined) return known
  const { additionalProperties, items } = schema
  const parts = [...Object.values(schema.properties ?? {}), additionalProperties, items]
  const found =
    (schema['x-kubernetes-validations'] ?? []).length > 0 ||
    parts.some(part => typeof part === 'object' && hasRules(part))
  judged.set(schema, found)
  return found
}

const judged = new WeakMap<Schema, boolean>()

function partsOf(value: Json, old: Json | undefined, schema: Schema, path: string): Cause[] {
  if (Array.isArray(value)) {
    const { items } = schema
    if (!items) return []
    return value.flatMap((item, index) =>
      ruleCauses(item, counterpart(item, old, schema), items, `${path}[${index}]`),
    )
  }
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([field, item]) => {
    const part = fieldOf(schema, field)
    if (!part || item === undefined) return []
    const where = schema.properties?.[field] ? joined(path, field) : `${path}[${field}]`
    return ruleCauses(item, memberBefore(old, field, schema), part, where)
  })
}

const joined = (path: string, field: string) => (path ? `${path}.${field}` : field)

/** Why a rule does not hold; null when it does, or when it is not asked. */
function fault(
  rule: ValidationRule,
  value: Json,
  old: Json | undefined,
  schema: Schema,
): string | null {
  if (/\boldSelf\b/.test(rule.rule)) {
    if (old === undefined && !rule.optionalOldSelf) return null
  } else if (old !== undefined && equal(value, old)) return null // it was so before (CRDValidationRatcheting)
  const known = variables(value, old, schema, rule.optionalOldSelf ?? false)
  const said = rule.message?.trim() || rule.rule.trim()
  try {
    if (evaluate(rule.rule, known) === true) return null
  } catch (error) {
    return `${firstLine(error)} evaluating rule: ${said}`
  }
  return told(rule, known) ?? (rule.message?.trim() || `failed rule: ${said}`)
}

/** What the messageExpression says; null where it says nothing that can be used. */
function told({ messageExpression }: ValidationRule, known: object): string | null {
  if (!messageExpression) return null
  try {
    const text = String(evaluate(messageExpression, known)).trim()
    return text === '' || text.includes('\n') ? null : text
  } catch {
    return null
  }
}

function variables(value: Json, old: Json | undefined, schema: Schema, optional: boolean): object {
  const self = celValue(value, schema)
  const before = old === undefined ? undefined : celValue(old, schema)
  if (!optional) return { self, ...(before === undefined ? {} : { oldSelf: before }) }
  const oldSelf =
    before === undefined
      ? evaluate('optional.none()', {})
      : evaluate('optional.of(value)', { value: before })
  return { self, oldSelf }
}

/** What is wrong with the rules themselves, wherever in the schema they stand. */
export function ruleMistakes(schema: Schema, path: string): Cause[] {
  const own = (schema['x-kubernetes-validations'] ?? []).flatMap(({ rule }, index) => {
    try {
      environment.parse(rule)
      return []
    } catch (error) {
      const where = `${path}.x-kubernetes-validations[${index}].rule`
      return [cause.invalid(where, rule, `compilation failed: ${firstLine(error)}`)]
    }
  })
  const parts = Object.entries(schema.properties ?? {}).flatMap(([field, part]) =>
    ruleMistakes(part, `${path}.properties[${field}]`),
  )
  const { items, additionalProperties: more } = schema
  return [
    ...own,
    ...parts,
    ...(items ? ruleMistakes(items, `${path}.items`) : []),
    ...(typeof more === 'object' ? ruleMistakes(more, `${path}.additionalProperties`) : []),
  ]
}

/** A condition over whole objects, whose types nobody has told. Throws when it cannot be evaluated. */
export function holds(expression: string, known: { readonly [name: string]: Json }): boolean {
  const values = Object.entries(known).map(([name, value]) => [name, celValue(value, {})])
  return evaluate(expression, Object.fromEntries(values)) === true
}

const environment = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
})
const compiled = new Map<string, ReturnType<typeof environment.parse>>()

function evaluate(expression: string, known: object): unknown {
  const program = compiled.get(expression) ?? environment.parse(expression)
  compiled.set(expression, program)
  return program({ ...known })
}

/** JSON in the types that its schema gives it. Names that CEL reserves are escaped as Kubernetes escapes them. */
function celValue(value: Json, schema: Schema): unknown {
  if (Array.isArray(value)) return value.map(item => celValue(item, schema.items ?? {}))
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).flatMap(([field, item]) => {
        const name = schema.properties?.[field] ? escaped(field) : field
        return item === undefined ? [] : [[name, celValue(item, fieldOf(schema, field) ?? {})]]
      }),
    )
  }
  if (typeof value === 'number') {
    return schema.type !== 'number' && Number.isInteger(value) ? BigInt(value) : value
  }
  if (typeof value === 'string' && /^date(-time)?$/.test(schema.format ?? '')) {
    return new Date(value)
  }
  return value
}

function escaped(field: string): string {
  if (RESERVED.has(field)) return `__${field}__`
  return field
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__')
}

const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return void while var'.split(
    ' ',
  ),
)

function causeOf(
  { reason, fieldPath }: ValidationRule,
  why: string,
  value: Json,
  schema: Schema,
  path: string,
): Cause {
  const where = `${path}${fieldPath ?? ''}`.replace(/^\./, '')
  if (reason === 'FieldValueForbidden') return cause.forbidden(where, why)
  if (reason === 'FieldValueRequired') return cause.required(where, why)
  if (reason === 'FieldValueDuplicate') return cause.duplicate(where, value)
  return cause.invalid(where, schema.type ?? '', why)
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
