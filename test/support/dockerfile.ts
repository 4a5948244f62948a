/**
 * Does what a Dockerfile says, in a folder that stands for the image's root: without a container engine, on this machine's
 * own Node. Left out is only what would change the machine itself (apt-get, removals below /usr and /opt).
 */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { Copy, DockerfileParser, Env, From, type Instruction, Workdir } from 'dockerfile-ast'
import type { Scope } from './undo.ts'

export interface Built {
  /** What the image would start, with the folder's own paths. */
  readonly argv: readonly string[]
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  /** RUN lines that were not carried out. */
  readonly leftOut: readonly string[]
}

interface Stage {
  readonly root: string
  workdir: string
  readonly environment: Record<string, string>
  argv: readonly string[]
}

const CHANGES_THE_MACHINE = /\bapt-get\b|\brm -rf \/(usr|opt)\b/

export async function buildImage(
  t: Scope,
  { text, context, nodedir }: { text: string; context: string; nodedir: string },
): Promise<Built> {
  const home = mkdtempSync(join(tmpdir(), 'herald-image-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const stages = new Map<string, Stage>()
  const leftOut: string[] = []
  let stage: Stage = { root: home, workdir: '/', environment: {}, argv: [] }
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    if (instruction instanceof From) {
      const name = instruction.getBuildStage() ?? 'last'
      stage = { root: join(home, name), workdir: '/', environment: {}, argv: [] }
      mkdirSync(stage.root)
      stages.set(name, stage)
      continue
    }
    const skipped = await carryOut(instruction, stage, stages, { context, nodedir })
    if (skipped) leftOut.push(skipped)
  }
  return {
    argv: stage.argv,
    folder: inside(stage, '.'),
    environment: environmentOf(stage, nodedir),
    leftOut,
  }
}

/** Answers the command that was left out. */
async function carryOut(
  instruction: Instruction,
  stage: Stage,
  stages: ReadonlyMap<string, Stage>,
  { context, nodedir }: { context: string; nodedir: string },
): Promise<string | null> {
  if (instruction instanceof Workdir) {
    stage.workdir = resolve(stage.workdir, instruction.getPath() ?? '')
    mkdirSync(inside(stage, '.'), { recursive: true })
  } else if (instruction instanceof Env) {
    for (const one of instruction.getProperties()) {
      stage.environment[one.getName()] = one.getValue() ?? ''
    }
  } else if (instruction instanceof Copy) {
    const from = stages.get(instruction.getFromFlag()?.getValue() ?? '')
    copy(instruction, stage, from?.root ?? context)
  } else if (instruction.getKeyword() === 'RUN') {
    const command = instruction.getArgumentsContent()?.replace(/\\\n/g, '') ?? ''
    if (CHANGES_THE_MACHINE.test(command)) return command
    // What this machine has fetched before is not fetched again.
    const cached = { npm_config_prefer_offline: 'true' }
    const env = { ...process.env, ...cached, ...environmentOf(stage, nodedir) }
    await promisify(execFile)('sh', ['-c', command], { cwd: inside(stage, '.'), env })
  } else if (instruction.getKeyword() === 'ENTRYPOINT') {
    stage.argv = JSON.parse(instruction.getArgumentsContent() ?? '[]')
  }
  return null
}

/** A file goes into a target that ends with "/", of a folder what it holds (Dockerfile reference, COPY). */
function copy(instruction: Copy, stage: Stage, source: string): void {
  const names = instruction.getArguments().map(one => one.getValue())
  const target = names.pop() ?? '.'
  for (const name of names) {
    const from = join(source, name)
    const into = target.endsWith('/') && !statSync(from).isDirectory()
    const whole = into ? join(target, basename(name)) : target
    cpSync(from, inside(stage, whole), { recursive: true, verbatimSymlinks: true })
  }
}

const inside = (stage: Stage, path: string): string =>
  join(stage.root, resolve(stage.workdir, path))

function environmentOf(stage: Stage, nodedir: string): Record<string, string> {
  const own = (stage.environment.PATH ?? '$PATH')
    .split(':')
    .map(part => (part === '$PATH' ? (process.env.PATH ?? '') : join(stage.root, part)))
  return {
    ...stage.environment,
    PATH: own.join(':'),
    ...('npm_config_nodedir' in stage.environment ? { npm_config_nodedir: nodedir } : {}),
  }
}
