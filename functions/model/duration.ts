/** Durations in annotations: "90s", "15m", "24h", "7d", "0"; "forever" where it makes sense. */

/** Milliseconds; null when the text is no duration. */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim()
  if (trimmed === '0') return 0
  const found = /^(\d{1,6})(ms|s|m|h|d)$/.exec(trimmed)
  return found ? Number(found[1]) * (UNITS_MS[found[2] ?? ''] ?? 0) : null
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
