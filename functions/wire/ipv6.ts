/** IPv6 addresses as they stand in packets: 16 octets, network byte order; a bigint here. RFC 4291. */
import { formatAddress, parseAddress } from '../model/address.ts'
import type { OctetReader, OctetWriter } from './bytes.ts'

export const UNSPECIFIED = 0n
/** ff02::1, RFC 4291 section 2.7.1. */
export const ALL_NODES = 0xff02_0000_0000_0000_0000_0000_0000_0001n
/** ff02::1:ff00:0/104, RFC 4291 section 2.7.1. */
const SOLICITED_NODE = 0xff02_0000_0000_0000_0000_0001_ff00_0000n

/** The group in which whoever has this address listens for questions about it: RFC 4291 section 2.7.1. */
export function solicitedNodeGroup(address: bigint): bigint {
  return SOLICITED_NODE | (address & 0xff_ffffn)
}

/** Where frames to a group go: RFC 2464 section 7. */
export function groupMAC(group: bigint): number {
  return 0x3333_0000_0000 + Number(group & 0xffff_ffffn)
}

/** ff00::/8, RFC 4291 section 2.4. */
export function isMulticast(address: bigint): boolean {
  return address >> 120n === 0xffn
}

/** fe80::/10, RFC 4291 section 2.4. */
export function isLinkLocal(address: bigint): boolean {
  return address >> 118n === 0x3fan
}

export function readIPv6(octets: OctetReader): bigint {
  let address = 0n
  for (let i = 0; i < 4; i++) address = (address << 32n) | BigInt(octets.u32())
  return address
}

export function writeIPv6(address: bigint, into: OctetWriter): OctetWriter {
  for (let shift = 96n; shift >= 0n; shift -= 32n)
    into.u32(Number((address >> shift) & 0xffff_ffffn))
  return into
}

/** Null when the text is no IPv6 address. */
export function parseIPv6(text: string): bigint | null {
  const address = parseAddress(text)
  return address?.family === 'IPv6' ? address.value : null
}

export function formatIPv6(address: bigint): string {
  return formatAddress({ family: 'IPv6', value: address })
}
