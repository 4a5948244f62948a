/** Configuration objects as the watcher projects them, with every field that a test does not care about filled in. */
import type { ConfigurationObject } from '../../functions/model/configuration.ts'

const object = (
  kind: ConfigurationObject['kind'],
  name: string,
  spec: unknown,
  more: Partial<ConfigurationObject> = {},
): ConfigurationObject => ({
  kind,
  name,
  uid: `uid-${name}`,
  resourceVersion: '1',
  generation: 1,
  labels: {},
  annotations: {},
  spec,
  status: null,
  ...more,
})

export const poolObject = (name: string, spec: unknown, more?: Partial<ConfigurationObject>) =>
  object('IPAddressPool', name, spec, more)

export const advertisementObject = (name: string, spec: unknown = null) =>
  object('L2Advertisement', name, spec)

/** `yaml` null: the map has no key "config". */
export const configMap = (yaml: string | null, keys: readonly string[] = ['config']) =>
  object('ConfigMap', 'config', { config: yaml, keys })
