// TypeScript runs as it is: Node strips the types itself from 22.18 on, tsx before.
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** Lets this process, or this thread, import TypeScript. */
export async function registerTypescript() {
  if (process.features.typescript) return
  const { register } = await import('tsx/esm/api').catch(error => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    console.error(
      'Herald is not installed yet: run "npm start", or "npm ci", and let it end. [NotInstalled]',
    )
    process.exit(1)
  })
  register({ tsconfig: fileURLToPath(new URL('../tsconfig.json', import.meta.url)) })
}
