import type { Logger } from '../../infra/log.ts'

/** A log that is kept instead of printed: what was said, with its fields. */
export interface KeptLog extends Logger {
  readonly lines: { level: string; message: string; fields: Record<string, unknown> }[]
}

export function keptLog(lines: KeptLog['lines'] = [], bound: object = {}): KeptLog {
  const say = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, fields: { ...bound, ...fields } })
  }
  return {
    lines,
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    child: fields => keptLog(lines, { ...bound, ...fields }),
  }
}
