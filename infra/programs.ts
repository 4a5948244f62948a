/** Our own modules as programs of their own: TypeScript, or in dist/ the JavaScript that was built from it (build.mjs). */

const IS_BUILT = import.meta.url.endsWith('.js')

/** Arguments for a `node` that is to run TypeScript files: Node 22.18 and later strip the types themselves. */
export function typescriptArguments(): string[] {
  return IS_BUILT || ('typescript' in process.features && process.features.typescript)
    ? []
    : ['--import', import.meta.resolve('tsx')]
}

/** The module of that name ("node", "thread") beside the one whose `import.meta.url` is given. */
export const besides = (name: string, from: string, extension = '.ts'): URL =>
  new URL(`${name}${IS_BUILT ? '.js' : extension}`, from)
