/**
 * ARP and NDP: Herald against the kernel's own, on two hosts of one switch, asked by a third; rounds take turns. Latency with
 * one request in flight, replies a second with 64. Needs network namespaces.
 */
import { parseIPv4 } from '../../functions/wire/bytes.ts'
import { parseIPv6 } from '../../functions/wire/ipv6.ts'
import { macNumber, macOf } from '../support/link-lab.ts'
import { segment, sh } from '../support/segment.ts'
import { type Talk, talk } from '../support/talk.ts'
import { askByARP, askByNDP, type Question } from './questions.ts'
import type { Outcome } from './requester.ts'

const ROUNDS = 7
const SEQUENTIAL = 2000
const FLOOD = 100_000
const WHO = ['kernel', 'herald'] as const

const undos: (() => unknown)[] = []
try {
  await bench()
} finally {
  for (const undo of undos.reverse()) await undo()
}

async function bench(): Promise<void> {
  const lan = await segment({ after: undo => void undos.push(undo) })
  const host = async (name: string, number: number) => {
    const made = await lan.host(name, `10.7.0.${number}/24`)
    await sh(made, `sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0`)
    await sh(made, `ip -6 addr add 2001:db8::${number}/64 dev eth0 nodad`)
    return made
  }
  const client = await host('client', 1)
  const kernel = await host('kernel', 2)
  const herald = await host('herald', 3)
  // One asker stands for many here, so the limit on what one asker gets is out of the way.
  const unlimited = [...herald.enter, 'env', 'HERALD_TEST_ANSWERS=1000000000']
  const link = talk('./link-process.ts', ['^lo$'], unlimited)
  undos.push(() => link.end())
  await link.hear('ready')
  const addresses = ['10.7.0.50', '2001:db8::50']
  link.say({ do: 'set', addresses: addresses.map(address => ({ address, interfaces: null })) })
  const index = await sh(client, 'cat /sys/class/net/eth0/ifindex')
  const requester = talk('../bench/requester.ts', [index], client.enter)
  undos.push(() => requester.end())

  const mac = macNumber(await macOf(client))
  const byARP = async (target: string, host: typeof kernel) =>
    askByARP({
      mac,
      sender: parseIPv4('10.7.0.1') ?? 0,
      target: parseIPv4(target) ?? 0,
      targetMAC: macNumber(await macOf(host)),
    })
  const byNDP = (target: string) =>
    askByNDP({
      mac,
      sender: parseIPv6('2001:db8::1') ?? 0n,
      target: parseIPv6(target) ?? 0n,
    })
  await compare('ARP', requester, {
    kernel: await byARP('10.7.0.2', kernel),
    herald: await byARP('10.7.0.50', herald),
  })
  await compare('NDP', requester, {
    kernel: byNDP('2001:db8::2'),
    herald: byNDP('2001:db8::50'),
  })
}

type Of<T> = Readonly<Record<(typeof WHO)[number], T>>

async function compare(protocol: string, requester: Talk, questions: Of<Question>): Promise<void> {
  const found = { kernel: figures(), herald: figures() }
  for (let round = 0; round <= ROUNDS; round++) {
    for (const who of WHO) {
      const ask = async (inFlight: number, requests: number) => {
        const order = { ...questions[who], inFlight, requests }
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
  print(protocol, found)
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

function print(protocol: string, { kernel, herald }: Of<Figures>): void {
  const row = (name: string, ...cells: (string | number)[]) =>
    process.stdout.write(`${name.padEnd(8)}${cells.map(cell => `${cell}`.padStart(16)).join('')}\n`)
  process.stdout.write(`${protocol}, medians of ${ROUNDS} rounds\n`)
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
