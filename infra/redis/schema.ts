/** Records and jobs carry the version of their schema; this one understands those of its own and, beside it, of the one before. */
import { Fault } from '../../functions/model/fault.ts'

/**
 * Throws Fault where a later version wrote it: what is new in it would be lost if it were read, and written again, by our
 * rules. It is left as it is, and the work on it to a process of that version.
 */
export function refuseLater(what: string, schema: unknown, known: number): void {
  if (!(Number(schema) > known)) return
  throw new Fault('LaterVersion', {
    what: `${what} is of schema ${schema}`,
    why: `a later version of Herald wrote it, and this one knows schema ${known}`,
    remedy: 'It is left as it is; finish the upgrade, or run that version again',
    retry: true,
  })
}
