/** What happens to Services and pools in the property test of the allocator: generated, and told in words. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Configuration, Pool } from '../../functions/model/configuration.ts'
import type { Service } from '../../functions/model/service.ts'
import { aPool } from './claims.ts'
import { aConfiguration, aService } from './services.ts'

const pinned = {
  priority: 1,
  namespaces: ['default'],
  namespaceSelectors: [],
  serviceSelectors: [],
}
const POOLS: readonly Pool[] = [
  aPool('a', ['10.0.0.0-10.0.0.2']),
  aPool('b', ['10.0.1.0-10.0.1.1', '2001:db8::/127']),
  aPool('c', ['10.0.2.254-10.0.3.1'], { avoidBuggyIPs: true, serviceAllocation: pinned }),
  aPool('d', ['10.0.4.0/32', '2001:db8::10/128'], { autoAssign: false }),
  aPool('a', ['10.0.0.1-10.0.0.3']),
  aPool('b', ['10.0.1.0-10.0.1.1']),
]

export const configurations: fc.Arbitrary<Configuration> = fc
  .uniqueArray(fc.constantFrom(...POOLS), { selector: pool => pool.name })
  .map(pools => aConfiguration(...pools.sort((x, y) => (x.name < y.name ? -1 : 1))))

export const NAMES = ['s0', 's1', 's2', 's3', 's4', 's5', 's6', 's7'] as const
const FAMILIES = {
  four: { clusterIPs: ['10.96.0.1'] },
  six: { clusterIPs: ['fd00::1'], ipFamilies: ['IPv6'] },
  prefer: { clusterIPs: ['10.96.0.1', 'fd00::1'], ipFamilyPolicy: 'PreferDualStack' as const },
  require: { clusterIPs: ['10.96.0.1', 'fd00::1'], ipFamilyPolicy: 'RequireDualStack' as const },
}

const annotations = fc
  .record({
    'metallb.io/allow-shared-ip': fc.constantFrom('', 'k', 'k', 'k', 'z'),
    'metallb.io/address-pool': fc.constantFrom('', '', '', 'a', 'b', 'd', 'none'),
    'metallb.io/loadBalancerIPs': fc.constantFrom(
      ...['', '', '', '10.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.1.0', '10.0.4.0', '172.16.0.1'],
      '10.0.1.1,2001:db8::1',
    ),
  })
  .map(all => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '')))

const services: fc.Arbitrary<Service> = fc
  .record({
    name: fc.constantFrom(...NAMES),
    type: fc.constantFrom('LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'ClusterIP'),
    family: fc.constantFrom('four', 'four', 'six', 'prefer', 'require'),
    port: fc.integer({ min: 80, max: 82 }),
    externalTrafficPolicy: fc.constantFrom('Cluster', 'Cluster', 'Cluster', 'Cluster', 'Local'),
    annotations,
  })
  .map(({ name, family, port, ...more }) =>
    aService(name, {
      ...more,
      ...FAMILIES[family as keyof typeof FAMILIES],
      externalTrafficPolicy: more.externalTrafficPolicy as Service['externalTrafficPolicy'],
      ports: [{ protocol: 'TCP', port }],
    }),
  )

/** What a Service can change without giving its address up, and for which others may be waiting. */
export interface Terms {
  readonly name: (typeof NAMES)[number]
  readonly key: '' | 'k' | 'z'
  readonly port: number
}

export type Step =
  | { readonly serve: Service }
  | { readonly change: Terms }
  | { readonly gone: (typeof NAMES)[number] }
  | { readonly configure: Configuration }

const terms: fc.Arbitrary<Terms> = fc.record({
  name: fc.constantFrom(...NAMES),
  key: fc.constantFrom('', 'k', 'k', 'z'),
  port: fc.integer({ min: 80, max: 82 }),
})

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: terms.map(change => ({ change })) },
  { weight: 6, arbitrary: services.map(serve => ({ serve })) },
  { weight: 2, arbitrary: fc.constantFrom(...NAMES).map(gone => ({ gone })) },
  { weight: 1, arbitrary: configurations.map(configure => ({ configure })) },
)

/** Steps that happen before anybody answers; the bells are then answered in a random order. */
export const bursts = fc.array(fc.array(steps, { minLength: 1, maxLength: 3 }), {
  minLength: 3,
  maxLength: 12,
})

/** A counterexample in a few words a step. */
export function tell(details: fc.RunDetails<[Configuration, Step[][], number, 0 | 600_000]>): void {
  if (!details.failed || !details.counterexample) return
  const [first, story, chaos, coolDownMs] = details.counterexample
  const pools = ({ pools }: Configuration) =>
    `pools ${pools.map(one => `${one.name} ${one.addresses}`).join('; ')}`
  const word = (step: Step) =>
    'configure' in step
      ? pools(step.configure)
      : 'gone' in step
        ? `${step.gone} gone`
        : 'change' in step
          ? `${step.change.name} key "${step.change.key}" port ${step.change.port}`
          : `${step.serve.name} ${step.serve.type} ${step.serve.clusterIPs} ${step.serve.ipFamilyPolicy} ` +
            `${step.serve.externalTrafficPolicy} ${step.serve.ports[0]?.port} ${JSON.stringify(step.serve.annotations)}`
  const lines = [pools(first), ...story.map(burst => burst.map(word).join('\n     & '))]
  assert.fail(
    `seed ${details.seed}, chaos ${chaos}, cool-down ${coolDownMs}:\n${lines.join('\n')}\n${details.errorInstance}`,
  )
}
