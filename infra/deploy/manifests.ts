import { readdirSync, readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import type { ApiObject } from '../sandbox/apiserver/object.ts'

const CRDS = new URL('crds/', import.meta.url)
const RBAC = new URL('rbac.yaml', import.meta.url)
const WEBHOOK = new URL('webhook.yaml', import.meta.url)

/** The CustomResourceDefinitions of metallb.io, one for each kind that users' manifests contain. */
export function readCrds(): ApiObject[] {
  const files = readdirSync(CRDS).filter(file => file.endsWith('.yaml'))
  return files.sort().flatMap(file => readObjects(new URL(file, CRDS)))
}

/** The namespace, the service accounts, and what they may do. */
export function readRbac(): ApiObject[] {
  return readObjects(RBAC)
}

/** What admission needs beside a watcher that answers. */
export function readWebhook(): ApiObject[] {
  return readObjects(WEBHOOK)
}

/** The documents of a YAML file. Throws on the first mistake, with its place. */
export function readObjects(file: URL): ApiObject[] {
  return parseAllDocuments(readFileSync(file, 'utf8')).flatMap(document => {
    const [mistake] = document.errors
    if (mistake) throw mistake
    const object: ApiObject | null = document.toJS()
    return object ? [object] : []
  })
}
