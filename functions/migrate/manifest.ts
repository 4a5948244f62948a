/** Objects of metallb.io as one writes them down. */

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec: object
}

export function manifest(
  kind: string,
  {
    name,
    namespace,
    annotations = {},
  }: { name: string; namespace: string; annotations?: Readonly<Record<string, string>> },
  spec: object,
): Manifest {
  const version = kind === 'BGPPeer' ? 'v1beta2' : 'v1beta1'
  const kept = Object.keys(annotations).length > 0 ? { annotations } : {}
  return {
    apiVersion: `metallb.io/${version}`,
    kind,
    metadata: { name, namespace, ...kept },
    spec,
  }
}

const NAME = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/

/** A name that the API server takes (RFC 1035 label): the given one where it is one. */
export function nameFrom(written: string): string {
  if (NAME.test(written)) return written
  const plain = written.toLowerCase().replace(/[^a-z0-9-]/g, '-')
  const trimmed = plain
    .replace(/^[^a-z]+/, '')
    .slice(0, 63)
    .replace(/-+$/, '')
  return trimmed || 'pool'
}
