/**
 * The rules that MetalLB's users rely on (metallb-behaviour 1.1, 3, 4), each as they write it: objects in, addresses out, over
 * the parser, the decision and the claim on a real Redis. Services are served in the order given; the cool-down is off.
 */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { configure } from '../../functions/configure/configure.ts'
import { projectService } from '../../functions/watch/project.ts'
import { allocatorWorld } from '../support/allocator-world.ts'
import { poolObject } from '../support/objects.ts'
import { privateRedis } from '../support/redis.ts'
import { violations } from '../support/violations.ts'
import { changes } from './metallb-rules/changes.ts'
import { choice } from './metallb-rules/choice.ts'
import { families } from './metallb-rules/families.ts'
import { ranges } from './metallb-rules/ranges.ts'
import { requests } from './metallb-rules/requests.ts'
import { sharers } from './metallb-rules/sharers.ts'
import { sharing } from './metallb-rules/sharing.ts'
import { port, type Step } from './metallb-rules/steps.ts'

const ROWS = [...ranges, ...choice, ...requests, ...families, ...changes, ...sharing, ...sharers]

const WEB = {
  type: 'LoadBalancer',
  clusterIPs: ['10.96.0.10'],
  ipFamilies: ['IPv4'],
  ipFamilyPolicy: 'SingleStack',
  selector: { app: 'web' },
  ...port(80),
}

const server = await privateRedis({ after })

describe('MetalLB’s rules', () => {
  for (const [what, pools, steps, expected] of ROWS) {
    test(what, async t => {
      const herald = await allocatorWorld(t, { server })
      const names = new Set<string>()
      let inForce = configure([], null).configuration
      let version = 0
      const perform = async (step: Step): Promise<void> => {
        version++
        if ('pools' in step) {
          const objects = Object.entries(step.pools).map(([name, spec]) => poolObject(name, spec))
          inForce = configure(objects, inForce).configuration
          await herald.configure(inForce)
          return herald.ringAndAnswer('allocate', ['default/*'])
        }
        if ('namespace' in step) {
          await herald.learn(
            herald.state.keys.namespaces('default'),
            'default',
            `${version}`,
            step.namespace,
          )
          return herald.ringAndAnswer('allocate', ['default/*'])
        }
        if ('remove' in step) {
          names.delete(step.remove)
          return herald.gone(step.remove, `${version}`)
        }
        const { apply: name, annotations, labels } = step
        names.add(name)
        const metadata = {
          namespace: 'default',
          name,
          uid: `uid-${name}`,
          resourceVersion: `${version}`,
          annotations,
          labels,
        }
        return herald.serve(projectService({ metadata, spec: { ...WEB, ...step.spec } }))
      }
      for (const step of [{ pools }, ...steps]) await perform(step)
      const held = await herald.held(...names)
      assert.equal([...names].map((name, i) => `${name} ${held[i] || '-'}`).join(' '), expected)
      assert.deepEqual(await violations(herald.redis), [])
    })
  }
})
