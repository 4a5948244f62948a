/** Commands that join in with a sandbox that is up: as the client on its LAN, and with kubectl. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { Fault } from '../functions/model/fault.ts'
import type { UpConfig } from '../infra/config.ts'
import type { World } from '../infra/process.ts'
import { kubectlPath } from '../infra/sandbox/kubectl.ts'
import { type Holder, holderOf } from '../infra/state-dir.ts'

/** Runs a command on the client's host, in this terminal; answers its exit code. */
export async function runClient(
  { config }: World<UpConfig>,
  argv: readonly string[],
): Promise<number> {
  const { client } = holderIn(config.stateDir)
  if (client) return inTerminal([...client, ...argv])
  throw new Fault('NoLan', {
    what: 'There is no client to run a command on',
    why: 'the "herald up" that runs has no LAN: it serves a cluster, or the kernel refused network namespaces',
    remedy: 'Its first lines say why; run it as root on Linux, without --kubeconfig',
  })
}

/** Runs kubectl against the sandbox's API server, in this terminal; answers its exit code. */
export async function runKubectl(
  { config }: World<UpConfig>,
  argv: readonly string[],
): Promise<number> {
  const { kubeconfig } = holderIn(config.stateDir)
  if (kubeconfig) return inTerminal([await kubectlPath(), '--kubeconfig', kubeconfig, ...argv])
  throw new Fault('NoSandbox', {
    what: 'There is no sandbox for kubectl',
    why: 'the "herald up" that runs serves a cluster',
    remedy: 'Use kubectl with the kubeconfig of that cluster',
  })
}

function holderIn(stateDir: string): Holder {
  const holder = holderOf(resolve(stateDir))
  if (holder) return holder
  throw new Fault('NothingUp', {
    what: `No "herald up" holds the state directory ${resolve(stateDir)}`,
    why: 'it is not running, or was given another one',
    remedy: 'Start it in another terminal (npm start), or name its directory: --state-dir <path>',
  })
}

async function inTerminal([file = '', ...args]: readonly string[]): Promise<number> {
  const child = spawn(file, args, { stdio: 'inherit' })
  // Ctrl-C reaches both; whether to end is for the command to say.
  const ignore = () => {}
  process.on('SIGINT', ignore)
  try {
    const [code] = (await once(child, 'exit')) as [number | null]
    return code ?? 1
  } finally {
    process.off('SIGINT', ignore)
  }
}
