/** The protocol with a bug planted in its text, to see whether the simulator notices. */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Protocol } from '../../../functions/liveness/protocol.ts'
import type { MakeProtocol } from './simulated-node.ts'

export interface Mutation {
  readonly file: string
  readonly from: string
  readonly to: string
}

/** Fails when the text to change is not there exactly once: then the row has to follow the code. */
export async function mutant({ file, from, to }: Mutation): Promise<MakeProtocol> {
  const root = mkdtempSync(join(tmpdir(), 'herald-mutant-'))
  try {
    const source = (part: string) => fileURLToPath(new URL(`../../../${part}`, import.meta.url))
    cpSync(source('functions'), join(root, 'functions'), { recursive: true })
    symlinkSync(source('node_modules'), join(root, 'node_modules'))
    writeFileSync(join(root, 'package.json'), '{"type":"module"}')
    const path = join(root, 'functions/liveness', file)
    const text = readFileSync(path, 'utf8')
    assert.equal(text.split(from).length, 2, `"${from}" is not once in ${file}`)
    writeFileSync(path, text.replace(from, to))
    const url = pathToFileURL(join(root, 'functions/liveness/protocol.ts')).href
    const loaded = (await import(url)) as { Protocol: typeof Protocol }
    return (me, nowMs) => new loaded.Protocol(me, nowMs)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
