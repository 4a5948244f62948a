/** Integers, texts and nonces one after the other, for messages whose length is not known before. */
import { OctetReader } from './bytes.ts'

const UTF8 = { encoder: new TextEncoder(), decoder: new TextDecoder() }
const TEXT_LENGTH_MAX = 255
const NONCE_LENGTH = 8
const NONCE = /^[0-9a-f]{16}$/

export class TextWriter {
  #buffer = new Uint8Array(1536)
  #length = 0

  get length(): number {
    return this.#length
  }

  get octets(): Uint8Array {
    return this.#buffer.slice(0, this.#length)
  }

  u8(value: number): this {
    this.#reserve(1)
    this.#buffer[this.#length++] = value
    return this
  }

  u16(value: number): this {
    return this.u8(value >>> 8).u8(value)
  }

  u48(value: number): this {
    const low = value % 0x1_0000_0000
    return this.u16(Math.floor(value / 0x1_0000_0000))
      .u16(low >>> 16)
      .u16(low)
  }

  /** Its length in one octet, and UTF-8. Longer than 255 octets is a bug of the caller. */
  text(text: string): this {
    this.#reserve(1 + TEXT_LENGTH_MAX)
    if (this.#ascii(text)) return this
    const into = this.#buffer.subarray(this.#length + 1, this.#length + 1 + TEXT_LENGTH_MAX)
    const { read, written } = UTF8.encoder.encodeInto(text, into)
    if (read < text.length) throw new RangeError(`too long for the wire: ${text.slice(0, 40)}`)
    this.#buffer[this.#length] = written
    this.#length += 1 + written
    return this
  }

  /** Names and addresses are short and plain: without the encoder they take a tenth of the time. */
  #ascii(text: string): boolean {
    const { length } = text
    if (length > TEXT_LENGTH_MAX) return false
    const from = this.#length + 1
    for (let at = 0; at < length; at++) {
      const code = text.charCodeAt(at)
      if (code > 0x7f) return false
      this.#buffer[from + at] = code
    }
    this.#buffer[this.#length] = length
    this.#length = from + length
    return true
  }

  /** 16 hexadecimal digits. */
  nonce(nonce: string): this {
    if (!NONCE.test(nonce)) throw new RangeError(`not a nonce: ${nonce.slice(0, 40)}`)
    for (let at = 0; at < nonce.length; at += 2)
      this.u8(Number.parseInt(nonce.slice(at, at + 2), 16))
    return this
  }

  append(octets: Uint8Array): this {
    this.#reserve(octets.length)
    this.#buffer.set(octets, this.#length)
    this.#length += octets.length
    return this
  }

  #reserve(length: number): void {
    if (this.#length + length <= this.#buffer.length) return
    const longer = new Uint8Array(2 * (this.#length + length))
    longer.set(this.#buffer)
    this.#buffer = longer
  }
}

export class TextReader extends OctetReader {
  text(): string {
    const octets = this.take(this.u8())
    let text = ''
    for (const octet of octets) {
      if (octet > 0x7f) return UTF8.decoder.decode(octets)
      text += String.fromCharCode(octet)
    }
    return text
  }

  nonce(): string {
    let nonce = ''
    for (const octet of this.take(NONCE_LENGTH)) nonce += octet.toString(16).padStart(2, '0')
    return nonce
  }

  /** Ends with the octets, long before a false count does harm. */
  times<T>(count: number, read: () => T): T[] {
    const list: T[] = []
    for (let i = 0; i < count; i++) list.push(read())
    return list
  }
}
