/**
 * Octets read and written in the order in which they stand, so that code reads like the tables of an RFC.
 * Network byte order. A hardware address (48 bits) and an IPv4 address (32 bits) are numbers here: they
 * compare with `===`, are keys of a Map, and cost nothing in the path of every frame.
 */
import { formatAddress, parseAddress } from '../model/address.ts'

/** Throws RangeError where the octets end too soon: a bug of whoever knows the length beforehand. */
export class OctetReader {
  readonly #octets: Uint8Array
  #at = 0

  constructor(octets: Uint8Array) {
    this.#octets = octets
  }

  u8(): number {
    const octet = this.#octets[this.#at++]
    if (octet === undefined) throw new RangeError('the octets end too soon')
    return octet
  }

  u16(): number {
    return this.u8() * 0x100 + this.u8()
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16()
  }

  u48(): number {
    return this.u16() * 0x1_0000_0000 + this.u32()
  }

  take(length: number): Uint8Array {
    if (length > this.remaining()) throw new RangeError('the octets end too soon')
    this.#at += length
    return this.#octets.subarray(this.#at - length, this.#at)
  }

  remaining(): number {
    return this.#octets.length - this.#at
  }
}

export class OctetWriter {
  /** What was written, zeros behind it. */
  readonly octets: Uint8Array
  #at = 0

  constructor(length: number) {
    this.octets = new Uint8Array(length)
  }

  u8(value: number): this {
    this.octets[this.#at++] = value
    return this
  }

  u16(value: number): this {
    return this.u8(value >>> 8).u8(value)
  }

  u32(value: number): this {
    return this.u16(value >>> 16).u16(value)
  }

  u48(value: number): this {
    return this.u16(Math.floor(value / 0x1_0000_0000)).u32(value % 0x1_0000_0000)
  }
}

/** For the structures that the kernel of this machine reads and writes: `DataView` asks. */
export const HOST_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/** "02:00:c0:a8:32:0b". */
export function formatMAC(mac: number): string {
  return mac
    .toString(16)
    .padStart(12, '0')
    .replace(/..(?!$)/g, '$&:')
}

/** What formatMAC wrote. */
export function parseMAC(text: string): number {
  return Number.parseInt(text.replaceAll(':', ''), 16)
}

/** Null when the text is no IPv4 address. */
export function parseIPv4(text: string): number | null {
  const address = parseAddress(text)
  return address?.family === 'IPv4' ? Number(address.value) : null
}

export function formatIPv4(address: number): string {
  return formatAddress({ family: 'IPv4', value: BigInt(address) })
}
