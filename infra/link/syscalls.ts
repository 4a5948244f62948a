/**
 * The few system calls that Node does not offer, from libc through koffi: no compiler is needed. Linux only, and not loaded
 * elsewhere. The thread of the link loads this, and the main thread once IPv6 is announced. Descriptors do not block
 * and are not inherited.
 */
import koffi from 'koffi'

/** A call that the kernel refused. */
export class SystemError extends Error {
  readonly call: string
  /** "EPERM" and so on. */
  readonly code: string

  constructor(call: string, code: string) {
    super(`${call}: ${code}`)
    this.name = 'SystemError'
    this.call = call
    this.code = code
  }
}

export const AF_NETLINK = 16
export const AF_PACKET = 17
export const SOCK_RAW = 3
export const POLLIN = 0x1
/** Octets of struct pollfd: s32 descriptor, s16 wanted, s16 seen. */
export const POLLFD_LENGTH = 8

/** Octets of a pointer and of size_t. */
export const POINTER_LENGTH = koffi.sizeof('void *')

const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
/** recv answers the length of the whole frame, even when it did not fit. */
const MSG_TRUNC = 0x20
const MSG_DONTWAIT = 0x40

const libc = koffi.load(null)
const libcSocket: (family: number, type: number, protocol: number) => number = libc.func(
  'int socket(int, int, int)',
)
const libcBind: (fd: number, address: Uint8Array, length: number) => number = libc.func(
  'int bind(int, const void *, uint32_t)',
)
const libcSetsockopt: (
  fd: number,
  level: number,
  option: number,
  value: Uint8Array,
  length: number,
) => number = libc.func('int setsockopt(int, int, int, const void *, uint32_t)')
const libcGetsockopt: (
  fd: number,
  level: number,
  option: number,
  value: Uint8Array,
  length: Uint8Array,
) => number = libc.func('int getsockopt(int, int, int, void *, void *)')
const libcRecv: (fd: number, into: Uint8Array, length: number, flags: number) => number = libc.func(
  'intptr_t recv(int, void *, size_t, int)',
)
const libcSend: (fd: number, octets: Uint8Array, length: number, flags: number) => number =
  libc.func('intptr_t send(int, const void *, size_t, int)')
const libcRecvmmsg: (
  fd: number,
  headers: DataView,
  count: number,
  flags: number,
  timeout: null,
) => number = libc.func('int recvmmsg(int, void *, unsigned int, int, void *)')
const libcSendmmsg: (fd: number, headers: DataView, count: number, flags: number) => number =
  libc.func('int sendmmsg(int, void *, unsigned int, int)')
const libcPoll: (fds: DataView, count: number, timeoutMs: number) => number = libc.func(
  'int poll(void *, unsigned long, int)',
)
const libcEventfd: (count: number, flags: number) => number = libc.func(
  'int eventfd(uint32_t, int)',
)
const libcRead: (fd: number, into: Uint8Array, length: number) => number = libc.func(
  'intptr_t read(int, void *, size_t)',
)
const libcClose: (fd: number) => number = libc.func('int close(int)')

/** The first name wins: EAGAIN, not EWOULDBLOCK. */
const NAMES = new Map(
  Object.entries(koffi.os.errno)
    .reverse()
    .map(([name, number]) => [number, name]),
)

/** The name of the last error of this thread: "EAGAIN". */
export function errorName(): string {
  const number = koffi.errno()
  return NAMES.get(number) ?? `errno ${number}`
}

/** Throws SystemError, as do the others of this file that do not say otherwise. */
export function openSocket(family: number, type: number, protocol: number): number {
  return checked('socket', libcSocket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol))
}

export function bind(fd: number, address: Uint8Array): void {
  checked('bind', libcBind(fd, address, address.length))
}

export function setOption(fd: number, level: number, option: number, value: Uint8Array): void {
  checked('setsockopt', libcSetsockopt(fd, level, option, value, value.length))
}

export function getOption(fd: number, level: number, option: number, length: number): Uint8Array {
  const value = new Uint8Array(length)
  const size = new Uint8Array(new Uint32Array([length]).buffer)
  checked('getsockopt', libcGetsockopt(fd, level, option, value, size))
  return value
}

/** The length of the whole datagram, which may be more than fitted; negative: see errorName(). */
export function receive(fd: number, into: Uint8Array): number {
  return libcRecv(fd, into, into.length, MSG_TRUNC | MSG_DONTWAIT)
}

/** Negative: see errorName(). */
export function send(fd: number, octets: Uint8Array): number {
  return libcSend(fd, octets, octets.length, MSG_DONTWAIT)
}

/** How many datagrams came, at most `count`; `headers` are of struct mmsghdr. Negative: see errorName(). */
export function receiveMany(fd: number, headers: DataView, count: number): number {
  return libcRecvmmsg(fd, headers, count, MSG_TRUNC | MSG_DONTWAIT, null)
}

/** How many were sent, from the first on. Negative, if not even that: see errorName(). */
export function sendMany(fd: number, headers: DataView, count: number): number {
  return libcSendmmsg(fd, headers, count, MSG_DONTWAIT)
}

/** How many of the descriptors have something; 0 also when a signal ended the wait. */
export function poll(pollfds: DataView, count: number, timeoutMs: number): number {
  const ready = libcPoll(pollfds, count, timeoutMs)
  return ready < 0 && errorName() === 'EINTR' ? 0 : checked('poll', ready)
}

/** eventfd(2): whoever writes eight octets to it wakes who polls it. */
export function openEvent(): number {
  return checked('eventfd', libcEventfd(0, SOCK_NONBLOCK | SOCK_CLOEXEC))
}

/** Makes it quiet again. */
export function clearEvent(fd: number): void {
  libcRead(fd, new Uint8Array(8), 8)
}

export function close(fd: number): void {
  libcClose(fd)
}

/** Where the octets lie, for structures that point at others. They must stay referenced while the kernel reads them. */
export function pointerTo(view: DataView): bigint {
  return koffi.address(view.buffer)
}

function checked(call: string, result: number): number {
  if (result < 0) throw new SystemError(call, errorName())
  return result
}
