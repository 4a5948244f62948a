/** Who may change something: whoever shows the admin token. Everybody else reads. */
import { createHash, timingSafeEqual } from 'node:crypto'

/** True when the Authorization header shows the token: as a Bearer, or as the password of Basic (RFC 7617). */
export function showsToken(authorization: string | undefined, token: string | null): boolean {
  if (token === null || !authorization) return false
  const [, scheme = '', value = ''] = /^(\S+) +(.*)$/.exec(authorization) ?? []
  if (/^bearer$/i.test(scheme)) return isSame(value, token)
  if (!/^basic$/i.test(scheme)) return false
  const text = Buffer.from(value, 'base64').toString('utf8')
  return isSame(text.slice(text.indexOf(':') + 1), token)
}

/** Takes the same time whatever is given: of two hashes, where nothing can be told from how far they agree. */
function isSame(given: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(token))
}

/** A page of another site must not act with what the browser remembers of us (Fetch Metadata; Origin: RFC 6454). */
export function comesFromElsewhere(header: (name: string) => string | undefined): boolean {
  const site = header('sec-fetch-site')
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  const origin = header('origin')
  if (origin === undefined) return false // no browser
  return !URL.canParse(origin) || new URL(origin).host !== header('host')
}

/** Bound to this machine alone, it answers to no other name: a site could have its name lead here (DNS rebinding). */
export function isLocalName(host: string | undefined): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i.test(host ?? '')
}
