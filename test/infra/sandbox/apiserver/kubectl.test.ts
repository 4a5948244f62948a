/** The real kubectl against the sandbox: every command that a user of the walkthrough, or of MetalLB's manual, types. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { readCrds } from '../../../../infra/deploy/manifests.ts'
import { apiServer } from '../../../support/apiserver.ts'
import { needs } from '../../../support/capabilities.ts'
import { kubectlRun } from '../../../support/kubectl.ts'

const WEB = `
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, name: http}, {port: 443, name: https}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: 'nginx:1'}]}}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: pool}
spec: {addresses: [192.0.2.0/24]}
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: {name: all}
`

const server = await apiServer({ after })
for (const crd of readCrds()) {
  server.store.create('customresourcedefinitions.apiextensions.k8s.io', crd)
}

/** What kubectl said, both ways, and whether it was content. */
async function say(command: string, input = '', env: Record<string, string> = {}) {
  const args = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, word]) => quoted ?? word ?? '',
  )
  const { code, stdout, stderr } = await kubectlRun(server.kubeconfigPath, args, { input, env })
  return { code, said: `${stdout}${stderr}` }
}

const pool = (name: string, spec: string) =>
  `{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: ${name}}, spec: ${spec}}`

const map = (data: string) =>
  `{apiVersion: v1, kind: ConfigMap, metadata: {name: shared}, data: ${data}}`

/** Each sees what those before it did. Command, what it says, input; a refusal when the pattern begins with "error". */
const dialogue: [string, RegExp, string?][] = [
  ['version', /Server Version: v1\.\d+/],
  [
    'api-resources --api-group=metallb.io',
    /ipaddresspools +metallb\.io\/v1beta1 +true +IPAddressPool/,
  ],
  ['apply -f -', /service\/web created\n.*\n.*\nipaddresspool.metallb.io\/pool created/, WEB],
  ['apply -f -', /service\/web unchanged\n.*\n.*\nipaddresspool.metallb.io\/pool unchanged/, WEB],
  ['diff -f -', /^$/, WEB],
  ['create -f -', /^error.*\(AlreadyExists\): .*services "web" already exists/i, WEB],
  [
    'get svc web -o wide',
    /web +LoadBalancer +10\.96\.\d+\.\d+ +<pending> +80:3\d{4}\/TCP,443:3\d{4}\/TCP +\d+s +app=web/,
  ],
  [
    'get svc web -o yaml',
    /kind: Service[\s\S]*ipFamilyPolicy: SingleStack[\s\S]*loadBalancer: \{\}/,
  ],
  ['get svc -o name', /service\/kubernetes\nservice\/web\n/],
  [
    'get ipaddresspools',
    /NAME +AUTO ASSIGN +AVOID BUGGY IPS +ADDRESSES\npool +true +false +\["192\.0\.2\.0\/24"\]/,
  ],
  [
    'get l2advertisements -o wide',
    /IPADDRESSPOOLS +IPADDRESSPOOL SELECTORS +INTERFACES +NODE SELECTORS\nall/,
  ],
  ['get nodes -o wide', /n1 +Unknown +<none> .*INTERNAL-IP|INTERNAL-IP.*\nn1 +Unknown/],
  [
    'describe svc web',
    /Type: +LoadBalancer[\s\S]*NodePort: +http +3\d{4}\/TCP[\s\S]*Events: +<none>/,
  ],
  ['describe ipaddresspool pool', /Spec:\n +Addresses:\n +192\.0\.2\.0\/24\n +Auto Assign: +true/],
  ['explain ipaddresspool.spec', /addresses\s<\[\]string> -required-/],
  ['get svc nope', /^error.*\(NotFound\): services "nope" not found/i],
  ['get sofas', /^error: the server doesn't have a resource type "sofas"/],
  [`patch svc web -p '{"spec":{"ports":[{"port":80,"targetPort":8080}]}}'`, /patched/],
  ["get svc web -o 'jsonpath={.spec.ports[*].targetPort}'", /^8080 443$/],
  [`patch svc web --type=merge -p '{"metadata":{"labels":{"x":"y"}}}'`, /patched/],
  [
    `patch svc web --type=json -p '[{"op":"replace","path":"/spec/ports/0/targetPort","value":81}]'`,
    /patched/,
  ],
  [
    `patch svc web --type=json -p '[{"op":"test","path":"/spec/type","value":"X"}]'`,
    /^The request is invalid: the server rejected our request/,
  ],
  [
    `patch ipaddresspool pool -p '{"spec":{"autoAssign":false}}'`,
    /^error: application\/strategic-merge-patch\+json is not supported by metallb\.io\/v1beta1/,
  ],
  [`patch ipaddresspool pool --type=merge -p '{"spec":{"autoAssign":false}}'`, /patched/],
  [
    `patch svc web -p '{"spec":{"type":"Sofa"}}'`,
    /^The Service "web" is invalid: spec\.type: Unsupported value: "Sofa": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"/,
  ],
  ['label svc web a=b', /labeled/],
  ['label svc web a=c', /^error: 'a' already has a value \(b\), and --overwrite is false/],
  ['label svc web a-', /unlabeled/],
  ['annotate svc web metallb.io/address-pool=pool', /annotated/],
  ['get svc -l x=y -o name', /^service\/web\n$/],
  ['get svc --field-selector spec.type=LoadBalancer -o name', /^service\/web\n$/],
  ['get svc --field-selector spec.foo=1', /^error.*field label not supported: spec\.foo/i],
  ['scale deploy web --replicas=3', /scaled/],
  ["get deploy web -o 'jsonpath={.spec.replicas}'", /^3$/],
  ['cordon n1', /cordoned/],
  ['get node n1', /Unknown,SchedulingDisabled/],
  [
    'apply -f -',
    /^error.*strict decoding error: unknown field "spec\.autoAsign"/i,
    pool('bad', '{addresses: [a], autoAsign: true}'),
  ],
  [
    'apply --validate=warn -f -',
    /Warning: unknown field "spec\.autoAsign"/,
    pool('bad', '{addresses: [a], autoAsign: true}'),
  ],
  [
    'apply -f -',
    /^The IPAddressPool "worse" is invalid: spec\.addresses: Invalid value: "string": spec\.addresses in body must be of type array: "string"/,
    pool('worse', '{addresses: a}'),
  ],
  [
    'apply -f -',
    /^The IPAddressPool "worse" is invalid: spec\.addresses: Required value/,
    pool('worse', '{}'),
  ],
  ['apply --server-side --field-manager=one -f -', /serverside-applied/, map('{a: "1", b: "2"}')],
  [
    'apply --server-side --field-manager=two -f -',
    /^error: Apply failed with 1 conflict: conflict with "one": \.data\.a/,
    map('{a: "3"}'),
  ],
  [
    'apply --server-side --field-manager=two --force-conflicts -f -',
    /serverside-applied/,
    map('{a: "3"}'),
  ],
  ['apply --server-side --field-manager=one -f -', /serverside-applied/, map('{c: "4"}')],
  ["get cm shared -o 'jsonpath={.data}'", /^\{"a":"3","c":"4"\}$/],
  ['apply --server-side -f -', /ipaddresspool\.metallb\.io\/pool serverside-applied/, WEB],
  ["get ipaddresspool pool -o 'jsonpath={.spec.autoAssign}'", /^false$/],
  ['create namespace foo', /namespace\/foo created/],
  ['create deployment d --image=nginx --replicas=2 --port=80 -n foo', /created/],
  ['get deploy d -n foo', /d +0\/2 +0 +0/],
  ['create service loadbalancer lb --tcp=80:8080 -n foo', /service\/lb created/],
  ["get svc lb -n foo -o 'jsonpath={.spec.ports[0].targetPort}'", /^8080$/],
  ['expose deploy d -n foo --port=80 --type=LoadBalancer', /service\/d exposed/],
  ['create configmap c --from-literal=config=x -n foo', /configmap\/c created/],
  ['create configmap c -n nope', /^error: failed to create configmap: namespaces "nope" not found/],
  ['delete svc -n foo --all', /service "d" deleted.*\nservice "lb" deleted/],
  ['delete namespace foo', /namespace "foo" deleted/],
  ['get cm -n foo', /No resources found in foo namespace/],
  ['auth can-i list services', /^yes/],
  [
    'get bgppeers.v1beta1.metallb.io',
    /Warning: metallb\.io\/v1beta1 BGPPeer is deprecated, use metallb\.io\/v1beta2/,
  ],
  ['get endpointslices', /No resources found/],
  ['get --raw /readyz', /^ok$/],
]

test('what kubectl says is what it says of a real cluster', needs('kubectl'), async t => {
  for (const [command, expected, input] of dialogue) {
    await t.test(`kubectl ${command}`, async () => {
      const { code, said } = await say(command, input)
      assert.match(said, expected)
      const refusal = /^\^(error|The )/.test(expected.source)
      assert.equal(code !== 0, refusal, `exit code ${code}: ${said}`)
    })
  }
})

test('kubectl edit writes what the editor leaves', needs('kubectl'), async () => {
  const path = join(dirname(server.kubeconfigPath), 'editor.sh')
  writeFileSync(path, 'sed -i "s/sessionAffinity: None/sessionAffinity: ClientIP/" "$1"')
  await say('create service loadbalancer edited --tcp=80')
  const { said } = await say('edit svc edited', '', { KUBE_EDITOR: `sh ${path}` })
  assert.match(said, /service\/edited edited/)
  const { said: seconds } = await say(
    "get svc edited -o 'jsonpath={.spec.sessionAffinityConfig.clientIP.timeoutSeconds}'",
  )
  assert.equal(seconds, '10800')
})

test('kubectl events and describe show events of events.k8s.io/v1', needs('kubectl'), async () => {
  await say('create service loadbalancer told --tcp=80')
  const uid = server.store.get('services', 'default', 'told')?.metadata.uid
  server.store.create('events', {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'told.1', namespace: 'default' },
    involvedObject: {
      apiVersion: 'v1',
      kind: 'Service',
      namespace: 'default',
      name: 'told',
      uid: uid ?? '',
    },
    eventTime: '2026-01-01T00:00:00.000000Z',
    type: 'Warning',
    reason: 'AllocationFailed',
    action: 'Allocate',
    message: 'no pool',
    reportingComponent: 'herald.io/watcher',
    reportingInstance: 'w-1',
  })
  const listed = await say('events --for svc/told')
  assert.match(listed.said, /Warning +AllocationFailed +Service\/told +no pool/)
  const { said } = await say('describe svc told')
  assert.match(said, /Warning +AllocationFailed +.* +herald\.io\/watcher +no pool/)
})
