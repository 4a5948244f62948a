/**
 * What interfaces the kernel has, read through rtnetlink(7): neither processes nor /sys, which shows the
 * interfaces of whoever mounted it and not those of the namespace that we are in.
 */
import { readFileSync } from 'node:fs'
import { ARP_IGNORE } from '../../functions/announce/kernel.ts'
import { HOST_LITTLE_ENDIAN as LITTLE } from '../../functions/wire/bytes.ts'
import {
  type Dump,
  decodeDump,
  encodeDump,
  type NetworkAddress,
  type NetworkLink,
} from '../../functions/wire/rtnetlink.ts'
import {
  AF_NETLINK,
  bind,
  close,
  errorName,
  openSocket,
  receive,
  SOCK_RAW,
  send,
} from './syscalls.ts'

const NETLINK_ROUTE = 0
/** RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR. */
const GROUPS = 0x1 | 0x10 | 0x100
/** The kernel makes no datagram of a dump larger. */
const DATAGRAM_MAX = 65_536
const ATTEMPTS = 5

export interface KernelInterfaces {
  readonly links: readonly NetworkLink[]
  readonly addresses: readonly NetworkAddress[]
}

/** Becomes readable whenever an interface or an address of one changes. */
export function openChanges(): number {
  const fd = openSocket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
  const address = new DataView(new ArrayBuffer(12)) // struct sockaddr_nl: u16 family, u16 pad, u32 port, u32 groups
  address.setUint16(0, AF_NETLINK, LITTLE)
  address.setUint32(8, GROUPS, LITTLE)
  bind(fd, new Uint8Array(address.buffer))
  return fd
}

/** Forgets what is queued: that something changed is all that matters, also when the queue overflowed (ENOBUFS). */
export function drainChanges(fd: number): void {
  while (receive(fd, buffer) >= 0 || errorName() === 'ENOBUFS') {}
}

const buffer = new Uint8Array(DATAGRAM_MAX)

/** Throws SystemError. */
export function readInterfaces(): KernelInterfaces {
  const fd = openSocket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
  try {
    return { links: dump(fd, 'links').links, addresses: dump(fd, 'addresses').addresses }
  } finally {
    close(fd)
  }
}

/** In force on this interface of our namespace: the greater of its own and that of all. One that cannot be read is gone. */
export function arpIgnore(name: string): number {
  try {
    return Math.max(
      ...['all', name].map(sysctl => Number(readFileSync(`${CONF}/${sysctl}/arp_ignore`))),
    )
  } catch {
    return ARP_IGNORE.all
  }
}

const CONF = '/proc/sys/net/ipv4/conf'

/** A change in the middle makes the kernel ask for another try; after five the last answer has to do until the next change. */
function dump(fd: number, kind: Dump) {
  for (let attempt = 1; ; attempt++) {
    const { again, ...list } = dumpOnce(fd, kind)
    if (!again || attempt === ATTEMPTS) return list
  }
}

/** The answer is there at once: the kernel makes the next part when this one is read. */
function dumpOnce(fd: number, kind: Dump) {
  const links: NetworkLink[] = []
  const addresses: NetworkAddress[] = []
  let again = send(fd, encodeDump(kind)) < 0
  for (let more = !again; more; ) {
    const length = receive(fd, buffer)
    if (length < 0) return { links, addresses, again: true }
    const part = decodeDump(buffer.subarray(0, length))
    links.push(...part.links)
    addresses.push(...part.addresses)
    again ||= part.again
    more = !part.ended
  }
  return { links, addresses, again }
}
