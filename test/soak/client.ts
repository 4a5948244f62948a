/**
 * A client on the LAN that pings addresses all the while, and also asks for them by ARP: a neighbour cache remembers who
 * answered, so pings alone would not notice that for a while nobody does.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { encodeArpFrame, REPLY, REQUEST } from '../../functions/wire/arp.ts'
import { formatIPv4, parseIPv4, parseMAC } from '../../functions/wire/bytes.ts'
import { BROADCAST, ETHERTYPE_ARP } from '../../functions/wire/ethernet.ts'
import { dyingWithParent } from '../../infra/child.ts'
import type { Lan } from '../../infra/sandbox/lan/lan.ts'
import type { Heard } from '../support/arp-wire.ts'
import { talk } from '../support/talk.ts'

const EVERY_MS = 50
/** An answer that takes longer is none. */
const PATIENCE_MS = 1000
/** Each question comes from a sender of its own, which its answer names: 10.0.0.0 and upwards. */
const FIRST_SENDER = 0x0a00_0000

export interface Client {
  /** Ends it; says how many pings and questions were sent, and what was lost: which address, and when it was asked. */
  stop(): Promise<{ readonly sent: number; readonly lost: readonly string[] }>
}

export async function client(lan: Lan, addresses: readonly string[]): Promise<Client> {
  const asking = await ask(lan, addresses)
  const pings = addresses.map(address => ping(lan, address))
  return {
    async stop() {
      const all = [await asking.stop()]
      for (const one of pings) all.push(await one.stop())
      const sent = all.reduce((sum, one) => sum + one.sent, 0)
      return { sent, lost: all.flatMap(one => one.lost) }
    },
  }
}

async function ask(lan: Lan, addresses: readonly string[]): Promise<Client> {
  const { stdout } = await lan.exec('client', ['cat', '/sys/class/net/eth0/ifindex'])
  const wire = talk('./arp-wire.ts', [stdout.trim()], lan.enter('client'))
  await wire.hear('ready', 0)
  const startMs = performance.now()
  const questions: { readonly address: string; readonly atMs: number }[] = []
  const asking = setInterval(() => {
    for (const address of addresses) {
      const sender = FIRST_SENDER + questions.length
      questions.push({ address, atMs: performance.now() - startMs })
      const frame = question(lan, sender, address)
      wire.say({ frame: Buffer.from(frame).toString('hex') })
    }
  }, EVERY_MS)
  return {
    async stop() {
      clearInterval(asking)
      await new Promise(resolve => setTimeout(resolve, PATIENCE_MS))
      await wire.end()
      const answered = new Set(
        (wire.said as readonly { heard?: Heard }[])
          .filter(({ heard }) => heard?.operation === REPLY)
          .map(({ heard }) => `${heard?.target} ${heard?.sender}`),
      )
      const lost = questions.filter(
        ({ address }, at) => !answered.has(`${formatIPv4(FIRST_SENDER + at)} ${address}`),
      )
      return {
        sent: questions.length,
        lost: lost.map(
          ({ address, atMs }) => `${address} was answered by nobody at ${seconds(atMs)}`,
        ),
      }
    },
  }
}

function question(lan: Lan, sender: number, address: string): Uint8Array {
  const mac = parseMAC(lan.client.mac)
  return encodeArpFrame({
    ethernet: { destination: BROADCAST, source: mac, etherType: ETHERTYPE_ARP },
    arp: {
      operation: REQUEST,
      senderHardwareAddress: mac,
      senderProtocolAddress: sender,
      targetHardwareAddress: 0,
      targetProtocolAddress: parseIPv4(address) ?? 0,
    },
  })
}

function ping(lan: Lan, address: string): Client {
  const [file = '', ...args] = [...lan.enter('client'), ...dyingWithParent('KILL'), 'ping', '-n']
  const every = ['-i', `${EVERY_MS / 1000}`, address]
  const child = spawn(file, [...args, ...every], { stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    said += text
  })
  const ended = once(child, 'close')
  return {
    async stop() {
      child.kill('SIGINT') // it then sums up
      await ended
      const answered = new Set(
        [...said.matchAll(/icmp_seq=(\d+) ttl/g)].map(([, at]) => Number(at)),
      )
      // The last one may still be on its way.
      const sent = Number(/(\d+) packets transmitted/.exec(said)?.[1] ?? 0) - 1
      const all = Array.from({ length: Math.max(sent, 0) }, (_, at) => at + 1)
      const lost = all
        .filter(at => !answered.has(at))
        .map(at => `${address} lost the ping of ${seconds(at * EVERY_MS)}`)
      return { sent, lost: sent > 0 ? lost : [`${address} was not pinged`] }
    },
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}
