/** `npm run render`: writes anew what of the deployment follows from something else. */
import { writeFileSync } from 'node:fs'
import { MANIFESTS, renderManifests, renderUsers, USERS } from './helm.ts'

writeFileSync(USERS, renderUsers())
writeFileSync(MANIFESTS, await renderManifests())
