import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type JsonObject, textAt } from '../../../../infra/sandbox/apiserver/object.ts'
import { apiServer, ask } from '../../../support/apiserver.ts'

const server = await apiServer({ after })
const LAMPS = '/apis/example.com/v1/namespaces/default/lamps'
const MERGE = 'application/merge-patch+json'

const text = { type: 'string' }
const spec = {
  type: 'object',
  required: ['watts'],
  'x-kubernetes-validations': [
    { rule: 'self.watts % 5 == 0', message: 'watts come in fives' },
    { rule: "!has(self.colour) || self.colour != 'none'", reason: 'FieldValueForbidden' },
    {
      rule: 'self.watts <= 100 || has(self.colour)',
      messageExpression: '"a colour is needed for " + string(self.watts) + " watts"',
      message: 'a colour is needed',
      fieldPath: '.colour',
    },
    { rule: 'self.missing == 1 || self.watts < 1000', message: 'nothing that long' },
  ],
  properties: {
    watts: { type: 'integer', minimum: 0 },
    colour: text,
    socket: {
      ...text,
      'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'fixed' }],
    },
    first: {
      ...text,
      'x-kubernetes-validations': [
        {
          rule: "oldSelf.hasValue() || self == 'new'",
          optionalOldSelf: true,
          message: 'begin new',
        },
      ],
    },
    legs: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        required: ['name'],
        properties: { name: text, length: { type: 'integer' }, namespace: text },
        'x-kubernetes-validations': [
          { rule: 'self.length >= oldSelf.length', message: 'legs only grow' },
          { rule: "!has(self.__namespace__) || self.__namespace__ == 'a'", message: 'only a' },
        ],
      },
    },
  },
}

server.store.create('customresourcedefinitions.apiextensions.k8s.io', {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'lamps.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { kind: 'Lamp', plural: 'lamps', singular: 'lamp' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
      },
    ],
  },
})

let count = 0
const lamp = (own: JsonObject) => ({
  apiVersion: 'example.com/v1',
  kind: 'Lamp',
  metadata: { name: `l${++count}` },
  spec: own,
})

/** case, spec before (null: created), spec or patch, what the refusal says (null: accepted) */
const rows: [string, JsonObject | null, JsonObject, RegExp | null][] = [
  ['all rules hold', null, { watts: 5 }, null],
  [
    'a rule with a message',
    null,
    { watts: 7 },
    /^Lamp\.example\.com "l\d+" is invalid: spec: Invalid value: "object": watts come in fives$/,
  ],
  [
    'a rule without a message, with a reason',
    null,
    { watts: 5, colour: 'none' },
    /spec: Forbidden: failed rule: !has\(self\.colour\) \|\| self\.colour != 'none'$/,
  ],
  [
    'a rule whose message is computed and that names a field',
    null,
    { watts: 105 },
    /spec\.colour: Invalid value: "object": a colour is needed for 105 watts$/,
  ],
  [
    'a rule that cannot be evaluated',
    null,
    { watts: 1000, colour: 'x' },
    /No such key: missing evaluating rule: nothing that long/,
  ],
  [
    'no rule is tried when a required field is missing',
    null,
    { colour: 'none' },
    /\[spec\.watts: Required value, <nil>: Invalid value: null: some validation rules were not checked/,
  ],
  [
    'a limit does not keep the rules from being tried',
    null,
    { watts: -3 },
    /\[spec\.watts: Invalid value: -3: .*, spec: Invalid value: "object": watts come in fives\]/,
  ],
  ['a transition rule is not asked at creation', null, { watts: 5, socket: 'E27' }, null],
  ['a transition rule holds', { watts: 5, socket: 'E27' }, { watts: 10, socket: 'E27' }, null],
  [
    'a transition rule does not hold',
    { watts: 5, socket: 'E27' },
    { socket: 'E14' },
    /spec\.socket: Invalid value: "string": fixed/,
  ],
  ['a transition rule is not asked of what is new', { watts: 5 }, { socket: 'E27' }, null],
  ['oldSelf may be optional', null, { watts: 5, first: 'old' }, /begin new/],
  ['an optional oldSelf that is there', { watts: 5, first: 'new' }, { first: 'other' }, null],
  [
    'elements of a list by key are compared with their own',
    {
      watts: 5,
      legs: [
        { name: 'a', length: 2 },
        { name: 'b', length: 9 },
      ],
    },
    {
      legs: [
        { name: 'b', length: 9 },
        { name: 'a', length: 1 },
      ],
    },
    /spec\.legs\[1\]: Invalid value: "object": legs only grow/,
  ],
  [
    'reserved names are escaped',
    null,
    { watts: 5, legs: [{ name: 'a', namespace: 'b' }] },
    /spec\.legs\[0\]: .* only a/,
  ],
]

for (const [what, before, given, refusal] of rows) {
  test(`CEL: ${what}`, async () => {
    const body = lamp(before ?? given)
    const made = await ask(server, 'POST', LAMPS, { body })
    const path = `${LAMPS}/${body.metadata.name}`
    const told = before
      ? await ask(server, 'PATCH', path, { body: { spec: given }, type: MERGE })
      : made
    const message = textAt(told.body as JsonObject, 'message')
    assert.equal(told.status, refusal ? 422 : before ? 200 : 201, message)
    if (refusal) assert.match(message, refusal)
  })
}

test('what was stored before the schema grew strict may stay as it is, and may not be made worse', async () => {
  const body = lamp({ watts: 5 })
  await ask(server, 'POST', LAMPS, { body })
  const path = `${LAMPS}/${body.metadata.name}`
  const definition = server.store.get(
    'customresourcedefinitions.apiextensions.k8s.io',
    '',
    'lamps.example.com',
  )
  const strict = JSON.parse(JSON.stringify(definition))
  const schema = strict.spec.versions[0].schema.openAPIV3Schema.properties.spec
  schema.properties.watts.minimum = 100
  schema['x-kubernetes-validations'].push({ rule: 'self.watts > 50', message: 'more' })
  server.store.update('customresourcedefinitions.apiextensions.k8s.io', strict)
  const change = (patch: JsonObject) => ask(server, 'PATCH', path, { body: patch, type: MERGE })
  assert.equal((await change({ metadata: { labels: { a: 'b' } } })).status, 200)
  const worse = await change({ spec: { colour: 'red' } })
  assert.equal(worse.status, 422, 'the rule is over all of the spec, which changed')
  assert.doesNotMatch(textAt(worse.body as JsonObject, 'message'), /watts: Invalid value: 5/)
})

test('a definition whose rule is no CEL is refused', async () => {
  const rule = { rule: 'self.watts >' }
  const schema = {
    type: 'object',
    properties: { spec: { type: 'object', 'x-kubernetes-validations': [rule] } },
  }
  const body = {
    metadata: { name: 'bulbs.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { kind: 'Bulb', plural: 'bulbs' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  }
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  const refused = await ask(server, 'POST', path, { body })
  assert.equal(refused.status, 422)
  assert.match(
    textAt(refused.body as JsonObject, 'message'),
    /spec\.versions\[0\]\.schema\.openAPIV3Schema\.properties\[spec\]\.x-kubernetes-validations\[0\]\.rule: .*compilation failed/,
  )
})
