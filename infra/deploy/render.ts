/** `npm run render`: writes the plain manifests anew from the chart. */
import { writeFileSync } from 'node:fs'
import { MANIFESTS, renderManifests } from './helm.ts'

writeFileSync(MANIFESTS, await renderManifests())
