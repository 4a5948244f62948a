/** What a kubelet does for the only container of a pod, as far as a test needs it: its variables, and its files in a folder. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { objectAt, textAt } from '../../infra/sandbox/apiserver/object.ts'
import type { ApiServer } from '../../infra/sandbox/apiserver/server.ts'
import type { PodSpec } from './manifests.ts'

/** $(NAME) is an earlier one; `downward` is what the pod knows of itself. */
export function variablesOf(
  { containers }: PodSpec,
  downward: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const { name, value = downward[name] ?? '' } of containers.flatMap(one => one.env ?? [])) {
    variables[name] = value.replace(/\$\((\w+)\)/g, (_, earlier) => variables[earlier] ?? '')
  }
  return variables
}

/** Writes what is mounted of Secrets and ConfigMaps under `root`. Throws where one of them, or a key, is missing. */
export function mountFiles(
  { containers, volumes = [] }: PodSpec,
  { store }: ApiServer,
  namespace: string,
  root: string,
): void {
  const mounts = containers.flatMap(one => one.volumeMounts ?? [])
  const sources = volumes.flatMap(({ name, secret, configMap, projected }) => [
    ...(secret ? [{ ...secret, name, resource: 'secrets', object: secret.secretName }] : []),
    ...(configMap ? [{ name, resource: 'configmaps', object: configMap.name }] : []),
    ...(projected?.sources.map(one => ({ name, resource: 'secrets', object: one.secret.name })) ??
      []),
  ])
  for (const { name, resource, object, ...source } of sources) {
    const found = store.get(resource, namespace, object)
    const data = objectAt(found ?? {}, 'data')
    const keys = Object.keys(data).map(key => ({ key, path: key }))
    for (const { key, path } of ('items' in source && source.items) || keys) {
      const text = textAt(data, key)
      if (text === '') throw new Error(`${resource}/${object} has no ${key}`)
      for (const { mountPath } of mounts.filter(mount => mount.name === name)) {
        const file = join(root, mountPath, path)
        mkdirSync(dirname(file), { recursive: true })
        writeFileSync(file, resource === 'secrets' ? Buffer.from(text, 'base64') : text)
      }
    }
  }
}
