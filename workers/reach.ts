/** What the commands that ask or tell the API server something and end have in common. */
import { Fault } from '../functions/model/fault.ts'
import type { UpConfig } from '../infra/config.ts'
import { ApiError, connectKubernetes, type KubernetesApi } from '../infra/kubernetes/client.ts'

/** Runs a command against the API server; answers its exit code. Throws a Fault when that refuses, or is not there. */
export async function withKubernetes(
  { kubeconfig, context }: UpConfig,
  command: (api: KubernetesApi) => Promise<number>,
): Promise<number> {
  const api = await connectKubernetes({ kubeconfig, context })
  try {
    return await command(api)
  } catch (error) {
    throw error instanceof ApiError ? faultOf(error) : error
  } finally {
    api.close()
  }
}

function faultOf(cause: ApiError): Fault {
  const { status, message: why } = cause
  return status === 0
    ? new Fault('KubernetesUnreachable', {
        what: 'The API server does not answer as it should',
        why,
        remedy: 'kubectl must work with the same --kubeconfig and --context; then try again',
        cause,
      })
    : new Fault('KubernetesRefused', {
        what: 'The API server refuses what is needed',
        why,
        remedy:
          'Give --kubeconfig or --context for somebody who may; "kubectl auth can-i" says who',
        cause,
      })
}
