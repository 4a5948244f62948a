/** Octets written as in a dump: hexadecimal, spaces where they help, "// …" to the end of a line. */
export function octets(dump: string): Uint8Array {
  const hex = dump.replace(/\/\/.*$/gm, '').replace(/\s+/g, '')
  if (!/^([0-9a-f]{2})*$/i.test(hex)) throw new Error(`not octets: ${hex}`)
  return Uint8Array.from(hex.match(/../g) ?? [], pair => Number.parseInt(pair, 16))
}

/** "0001 0800": for failures that a reader can compare. */
export function dump(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
