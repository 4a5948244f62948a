/**
 * The kernel's list of interfaces and their addresses: rtnetlink(7), netlink(7); numbers from linux/rtnetlink.h,
 * linux/if_link.h and linux/if_addr.h. Unlike everything else in this folder in the byte order of the machine.
 */
import { formatAddress } from '../model/address.ts'
import { HOST_LITTLE_ENDIAN as LITTLE } from './bytes.ts'

export interface NetworkLink {
  readonly index: number
  readonly name: string
  /** IFF_… of linux/if.h. */
  readonly flags: number
  /** ARPHRD_… of linux/if_arp.h. */
  readonly hardwareType: number
  /** Null when it has none, or one that is not 48 bits long. */
  readonly mac: number | null
  /** Index of the bridge, bond or VRF that it belongs to. */
  readonly master: number | null
}

export interface NetworkAddress {
  /** Of the interface that it is configured on. */
  readonly index: number
  /** As configured, host bits included: "192.168.50.11/24". */
  readonly prefix: string
}

/** What one datagram of an answer to a dump says. */
export interface DumpPart {
  readonly links: NetworkLink[]
  readonly addresses: NetworkAddress[]
  /** Nothing follows. */
  ended: boolean
  /** The whole dump has to be asked for again: refused, or something changed in the middle of it. */
  again: boolean
}

export type Dump = 'links' | 'addresses'

const HEADER_LENGTH = 16
const NLM_F_REQUEST = 0x1
const NLM_F_DUMP_INTR = 0x10
const NLM_F_DUMP = 0x300
const [NLMSG_ERROR, NLMSG_DONE] = [2, 3]
const [RTM_NEWLINK, RTM_GETLINK, RTM_NEWADDR, RTM_GETADDR] = [16, 18, 20, 22]
const [IFINFOMSG_LENGTH, IFADDRMSG_LENGTH] = [16, 8]
const [IFLA_ADDRESS, IFLA_IFNAME, IFLA_MASTER, IFLA_EXT_MASK] = [1, 3, 10, 29]
const RTEXT_FILTER_SKIP_STATS = 0x8
const [IFA_ADDRESS, IFA_LOCAL] = [1, 2]
const AF_INET = 2

export function encodeDump(dump: Dump): Uint8Array {
  const length = HEADER_LENGTH + (dump === 'links' ? IFINFOMSG_LENGTH + 8 : IFADDRMSG_LENGTH)
  const view = new DataView(new ArrayBuffer(length))
  view.setUint32(0, length, LITTLE)
  view.setUint16(4, dump === 'links' ? RTM_GETLINK : RTM_GETADDR, LITTLE)
  view.setUint16(6, NLM_F_REQUEST | NLM_F_DUMP, LITTLE)
  if (dump === 'links') {
    view.setUint16(HEADER_LENGTH + IFINFOMSG_LENGTH, 8, LITTLE)
    view.setUint16(HEADER_LENGTH + IFINFOMSG_LENGTH + 2, IFLA_EXT_MASK, LITTLE)
    view.setUint32(HEADER_LENGTH + IFINFOMSG_LENGTH + 4, RTEXT_FILTER_SKIP_STATS, LITTLE)
  }
  return new Uint8Array(view.buffer)
}

/** Never throws: what is cut off or makes no sense is left out. */
export function decodeDump(datagram: Uint8Array): DumpPart {
  const part: DumpPart = { links: [], addresses: [], ended: false, again: false }
  for (const { type, flags, body } of messages(datagram)) {
    if (flags & NLM_F_DUMP_INTR || type === NLMSG_ERROR) part.again = true
    if (type === NLMSG_DONE || type === NLMSG_ERROR) part.ended = true
    if (type === RTM_NEWLINK && body.byteLength >= IFINFOMSG_LENGTH) part.links.push(linkOf(body))
    if (type === RTM_NEWADDR && body.byteLength >= IFADDRMSG_LENGTH) {
      const address = addressOf(body)
      if (address) part.addresses.push(address)
    }
  }
  return part
}

/** struct ifinfomsg: family, pad, u16 type, s32 index, u32 flags, u32 change; then attributes. */
function linkOf(body: DataView): NetworkLink {
  const attributes = attributesOf(body, IFINFOMSG_LENGTH)
  const name = attributes.get(IFLA_IFNAME)
  const mac = attributes.get(IFLA_ADDRESS)
  const master = attributes.get(IFLA_MASTER)
  return {
    hardwareType: body.getUint16(2, LITTLE),
    index: body.getInt32(4, LITTLE),
    flags: body.getUint32(8, LITTLE),
    name: name ? String.fromCharCode(...octetsOf(name)).replace(/\0.*$/s, '') : '',
    mac: mac?.byteLength === 6 ? mac.getUint16(0) * 0x1_0000_0000 + mac.getUint32(2) : null,
    master: master && master.byteLength >= 4 ? master.getUint32(0, LITTLE) : null,
  }
}

/** struct ifaddrmsg: family, prefixlen, flags, scope, u32 index; then attributes. */
function addressOf(body: DataView): NetworkAddress | null {
  const attributes = attributesOf(body, IFADDRMSG_LENGTH)
  // On a point-to-point interface IFA_ADDRESS is the other end.
  const address = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS)
  const family = body.getUint8(0) === AF_INET ? 'IPv4' : 'IPv6'
  if (address?.byteLength !== (family === 'IPv4' ? 4 : 16)) return null
  const value = octetsOf(address).reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n)
  return {
    index: body.getUint32(4, LITTLE),
    prefix: `${formatAddress({ family, value })}/${body.getUint8(1)}`,
  }
}

/** struct nlmsghdr: u32 length, u16 type, u16 flags, u32 sequence, u32 port. */
function* messages(datagram: Uint8Array) {
  let at = 0
  while (at + HEADER_LENGTH <= datagram.length) {
    const view = new DataView(datagram.buffer, datagram.byteOffset + at, datagram.length - at)
    const length = view.getUint32(0, LITTLE)
    if (length < HEADER_LENGTH || length > view.byteLength) return
    yield {
      type: view.getUint16(4, LITTLE),
      flags: view.getUint16(6, LITTLE),
      body: part(view, HEADER_LENGTH, length),
    }
    at += aligned(length)
  }
}

/** struct rtattr: u16 length, u16 type. The first of each type. */
function attributesOf(body: DataView, from: number): Map<number, DataView> {
  const found = new Map<number, DataView>()
  let at = from
  while (at + 4 <= body.byteLength) {
    const length = body.getUint16(at, LITTLE)
    if (length < 4 || at + length > body.byteLength) break
    const type = body.getUint16(at + 2, LITTLE)
    if (!found.has(type)) found.set(type, part(body, at + 4, at + length))
    at += aligned(length)
  }
  return found
}

function part(view: DataView, from: number, to: number): DataView {
  return new DataView(view.buffer, view.byteOffset + from, to - from)
}

function octetsOf(view: DataView): number[] {
  return [...new Uint8Array(view.buffer, view.byteOffset, view.byteLength)]
}

/** Everything in netlink begins at a multiple of four. */
function aligned(length: number): number {
  return (length + 3) & ~3
}
