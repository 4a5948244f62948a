/** What the kernel counts of a process (proc(5)). */
import { readFileSync } from 'node:fs'

/** Resident memory, MiB. */
export function residentMiB(pid: number | null): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib) / 1024
}

/** Processor time so far, ms: in steps of 10. */
export function processorMs(pid: number | null): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}
