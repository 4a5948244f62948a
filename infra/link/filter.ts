/** Classic BPF: what a socket lets through, decided by the kernel before anything is queued. linux/filter.h, socket(7). */
import { HOST_LITTLE_ENDIAN as LITTLE } from '../../functions/wire/bytes.ts'
import { pointerTo } from './syscalls.ts'

export const SOL_SOCKET = 1
export const SO_ATTACH_FILTER = 26

/** struct sock_filter: code, jump if true, jump if false, operand. */
export type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number]

export const [LOAD_32, LOAD_16, LOAD_8, LOAD_LENGTH, JUMP_EQUAL, JUMP_GREATER_EQUAL, RETURN] = [
  0x20, 0x28, 0x30, 0x80, 0x15, 0x35, 0x06,
] as const
/** SKF_AD_OFF + SKF_AD_PKTTYPE: to whom the kernel says the frame is. */
export const PACKET_TYPE = 0xffff_f000 + 4
/** SKF_NET_OFF: operands from here on count from the start of the network header. */
export const NETWORK_HEADER = 0xfff0_0000

export interface Filter {
  /** The value of the option SO_ATTACH_FILTER: struct sock_fprog, u16 length and at 8 a pointer. */
  readonly option: Uint8Array
  /** What it points at: keep it referenced until the option is set. */
  readonly program: DataView
}

export function filterOf(instructions: readonly Instruction[]): Filter {
  const program = new DataView(new ArrayBuffer(instructions.length * 8))
  for (const [i, [code, ifTrue, ifFalse, operand]] of instructions.entries()) {
    program.setUint16(8 * i, code, LITTLE)
    program.setUint8(8 * i + 2, ifTrue)
    program.setUint8(8 * i + 3, ifFalse)
    program.setUint32(8 * i + 4, operand, LITTLE)
  }
  const option = new DataView(new ArrayBuffer(16))
  option.setUint16(0, instructions.length, LITTLE)
  option.setBigUint64(8, pointerTo(program), LITTLE)
  return { option: new Uint8Array(option.buffer), program }
}
