/**
 * The thread of the link: it owns every packet socket and does not return before it is told to stop. So ARP is answered also
 * while the main thread is busy, collects garbage or waits for Redis. It makes no use of Node's event loop.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { DROP_REASONS } from '../../functions/announce/answer.ts'
import { formatIPv4 } from '../../functions/wire/bytes.ts'
import { collectNow } from '../garbage.ts'
import { Ledger } from './ledger.ts'
import { Loop } from './loop.ts'
import { Member } from './member.ts'
import type { Order, Report, ThreadSettings } from './messages.ts'
import { tryPacketSocket } from './packet-socket.ts'
import { Ports } from './ports.ts'
import { clearEvent, openEvent, SystemError } from './syscalls.ts'

if (!parentPort) throw new Error('link/thread.ts runs as a worker thread')
const main = parentPort
const say = (report: Report) => main.postMessage(report)
const settings = workerData as ThreadSettings

const loop = new Loop()
const ledger = new Ledger(formatIPv4, DROP_REASONS)
let ports: Ports | null = null
let member: Member | null = null
try {
  tryPacketSocket()
  ports = new Ports({
    loop,
    ledger,
    settings,
    say,
    onLook: (interfaces, macs) => member?.see(interfaces, macs),
    onFrame: (frame, on) => member?.answers.hear(frame, on),
  })
  if (settings.member) member = new Member({ settings: settings.member, loop, ports, say })
  ports.run(performance.now())
  begin(ports)
} catch (error) {
  if (!(error instanceof SystemError)) throw error
  say({ is: 'refused', call: error.call, code: error.code })
} finally {
  member?.close()
  ports?.close()
}

function begin(ports: Ports): void {
  const wakeFd = openEvent() // closed by the main thread, which may write to it until it knows that we are gone
  loop.watch(wakeFd, () => {
    clearEvent(wakeFd)
    obey(ports)
  })
  say({ is: 'ready', wakeFd, interfaces: ports.interfaces })
  loop.run()
}

function obey(ports: Ports): void {
  for (;;) {
    const received = receiveMessageOnPort(main) as { message: Order } | undefined
    if (!received) return
    const order = received.message
    switch (order.do) {
      case 'set':
        ports.set(
          new Map(order.addresses.map(([address, names]) => [address, names && new Set(names)])),
        )
        break
      case 'announce':
        ports.announce(order.addresses)
        break
      case 'hear':
        ports.hear(order.solicitations)
        break
      case 'count':
        ports.countLost()
        say({
          is: 'counters',
          id: order.id,
          counters: {
            ...ledger.counters(),
            beats: member?.beats() ?? null,
            conflicts: member?.answers.conflicts() ?? null,
          },
        })
        break
      case 'read':
        member?.read(order.redis)
        break
      case 'begin':
        member?.answers.begin(order.addresses)
        break
      case 'bound':
        member?.answers.bind(order.bound)
        break
      case 'leave':
        member?.step({ is: 'stop' })
        break
      case 'collect':
        collectNow()
        break
      case 'stop':
        loop.stop()
        return
    }
  }
}
