/**
 * ARP: Herald against the kernel's own, on two hosts of one switch, asked by a third; rounds take turns. Latency with one
 * request in flight, replies a second with 64. Needs network namespaces.
 */
import { parseIPv4 } from '../../functions/wire/bytes.ts'
import type { Namespace } from '../../infra/sandbox/lan/namespace.ts'
import { segment, sh } from '../support/segment.ts'
import { talk } from '../support/talk.ts'
import type { Outcome, Round } from './arp-requester.ts'

const ROUNDS = 7
const SEQUENTIAL = 2000
const FLOOD = 100_000

const undos: (() => unknown)[] = []
try {
  await bench()
} finally {
  for (const undo of undos.reverse()) await undo()
}

async function bench(): Promise<void> {
  const lan = await segment({ after: undo => void undos.push(undo) })
  const client = await lan.host('client', '10.7.0.1/24')
  const kernel = await lan.host('kernel', '10.7.0.2/24')
  const herald = await lan.host('herald', '10.7.0.3/24')
  // One asker stands for many here, so the limit on what one asker gets is out of the way.
  const unlimited = [...herald.enter, 'env', 'HERALD_TEST_ANSWERS=1000000000']
  const link = talk('./link-process.ts', ['^lo$'], unlimited)
  undos.push(() => link.end())
  await link.hear('ready')
  link.say({ do: 'set', addresses: [{ address: '10.7.0.50', interfaces: null }] })
  const mac = String(await macOf(client))
  const requester = talk('../bench/arp-requester.ts', [await indexOf(client), mac], client.enter)
  undos.push(() => requester.end())

  const targets = {
    kernel: { target: parseIPv4('10.7.0.2'), targetMAC: await macOf(kernel) },
    herald: { target: parseIPv4('10.7.0.50'), targetMAC: await macOf(herald) },
  }
  const found = { kernel: figures(), herald: figures() }
  for (let round = 0; round <= ROUNDS; round++) {
    for (const who of ['kernel', 'herald'] as const) {
      const ask = async (inFlight: number, requests: number): Promise<Outcome> => {
        const order = {
          sender: parseIPv4('10.7.0.1'),
          ...targets[who],
          inFlight,
          requests,
        } as Round
        return (await requester.ask(order, 'outcome')).outcome as Outcome
      }
      const [one, many] = [await ask(1, SEQUENTIAL), await ask(64, FLOOD)]
      if (round === 0) continue // warming up
      const { latenciesUs } = one
      found[who].p50.push(latenciesUs[Math.floor(latenciesUs.length * 0.5)] ?? Number.NaN)
      found[who].p99.push(latenciesUs[Math.floor(latenciesUs.length * 0.99)] ?? Number.NaN)
      found[who].rate.push((many.answered * 1000) / many.ms)
      found[who].lost += SEQUENTIAL - one.answered + FLOOD - many.answered
    }
  }
  print(found)
}

interface Figures {
  readonly p50: number[]
  readonly p99: number[]
  readonly rate: number[]
  lost: number
}

function figures(): Figures {
  return { p50: [], p99: [], rate: [], lost: 0 }
}

function print({ kernel, herald }: Record<'kernel' | 'herald', Figures>): void {
  const row = (name: string, ...cells: (string | number)[]) =>
    process.stdout.write(`${name.padEnd(8)}${cells.map(cell => `${cell}`.padStart(16)).join('')}\n`)
  process.stdout.write(`ARP, medians of ${ROUNDS} rounds\n`)
  row('', 'p50 us', 'p99 us', '64 in flight /s', 'lost')
  for (const [name, of] of Object.entries({ kernel, herald })) {
    row(
      name,
      median(of.p50).toFixed(1),
      median(of.p99).toFixed(0),
      median(of.rate).toFixed(0),
      of.lost,
    )
  }
  const ratio = (pick: 'p50' | 'p99' | 'rate') =>
    `${(median(herald[pick]) / median(kernel[pick])).toFixed(2)}x`
  row('ratio', ratio('p50'), ratio('p99'), ratio('rate'))
}

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN
}

async function macOf(host: Namespace): Promise<number> {
  return Number(`0x${(await sh(host, 'cat /sys/class/net/eth0/address')).replaceAll(':', '')}`)
}

async function indexOf(host: Namespace): Promise<string> {
  return sh(host, 'cat /sys/class/net/eth0/ifindex')
}
