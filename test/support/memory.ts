import { readFileSync } from 'node:fs'

/** Resident memory of a process, MiB (VmRSS of proc(5)). */
export function residentMiB(pid: number | null): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib) / 1024
}
