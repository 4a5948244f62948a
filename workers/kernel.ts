/**
 * Looks whether the kernel of this node would answer for what announcers answer for: kube-proxy in IPVS mode without strictARP, or
 * an address of a Service that somebody has put on an interface. Herald cannot stop it, but say it.
 */
import { KERNEL_ANSWERS } from '../functions/publish/alarm.ts'
import type { Link } from '../infra/link/link.ts'
import type { World } from '../infra/process.ts'
import type { State } from '../infra/redis/state.ts'
import type { Alarms } from './alarms.ts'
import { type Repeated, repeat } from './repeat.ts'

const LOOK_EVERY_MS = 10_000
/** IPVS binds every address of every Service. */
const NAMED_MOST = 5

interface Watched {
  readonly cluster: string
  readonly link: Pick<Link, 'kernelAnswers'>
  readonly state: Pick<State, 'placements'>
  readonly alarms: Pick<Alarms, 'kernelAnswers'>
}

export function watchKernel(
  { cluster, link, state, alarms }: Watched,
  { log, metrics }: Pick<World, 'log' | 'metrics'>,
): Repeated {
  const look = async () => {
    // The kernel has addresses that are no Service's, too; a group is named by the least of its addresses.
    const placements = await state.placements(cluster, link.kernelAnswers())
    const addresses = [...placements].flatMap(([address, one]) => (one?.owner ? [address] : []))
    metrics.set('herald_kernel_answers', {}, addresses.length)
    const some = addresses.slice(0, NAMED_MOST)
    if (`${some}` === `${alarms.kernelAnswers}`) return
    alarms.kernelAnswers = some
    if (some.length > 0) log.warn({ addresses: some, count: addresses.length }, KERNEL_ANSWERS)
    else log.info({}, 'the kernel answers for no address of a Service any more')
  }
  return repeat(LOOK_EVERY_MS, look, error =>
    log.debug({ error }, 'not known what the kernel answers for; looking again'),
  )
}
