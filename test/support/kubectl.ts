import { execFile } from 'node:child_process'
import { kubectlPath } from '../../infra/sandbox/kubectl.ts'

/** What a run of kubectl said; `code` is its exit code. */
export interface KubectlRun {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const LIMIT_MS = 60_000

/** Runs the real kubectl against a kubeconfig; does not throw when kubectl fails. */
export async function kubectlRun(
  kubeconfigPath: string,
  args: readonly string[],
  options: { input?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<KubectlRun> {
  const path = await kubectlPath()
  const env = {
    ...process.env,
    HOME: '/nonexistent',
    KUBECACHEDIR: `${kubeconfigPath}.cache`,
    ...options.env,
  }
  return new Promise(resolve => {
    const child = execFile(
      path,
      ['--kubeconfig', kubeconfigPath, ...args],
      { env, timeout: LIMIT_MS, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        resolve({ code: error ? (child.exitCode ?? 1) : 0, stdout, stderr })
      },
    )
    child.stdin?.end(options.input ?? '')
  })
}

/** Runs kubectl and answers what it printed; throws what it complained of. */
export async function kubectl(kubeconfigPath: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await kubectlRun(kubeconfigPath, args)
  if (code !== 0)
    throw new Error(`kubectl ${args.join(' ')} ended with ${code}: ${stderr || stdout}`)
  return stdout
}

/** `kubectl apply -f -` of one or more objects given as YAML or JSON. */
export async function kubectlApply(kubeconfigPath: string, manifest: string): Promise<string> {
  const run = await kubectlRun(kubeconfigPath, ['apply', '-f', '-'], { input: manifest })
  if (run.code !== 0) throw new Error(`kubectl apply ended with ${run.code}: ${run.stderr}`)
  return run.stdout
}
