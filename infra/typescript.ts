/** Arguments for a `node` that is to run TypeScript files: Node 22.18 and later strip the types themselves. */
export function typescriptArguments(): string[] {
  return 'typescript' in process.features && process.features.typescript
    ? []
    : ['--import', import.meta.resolve('tsx')]
}
