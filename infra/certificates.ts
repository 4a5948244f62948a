/** Certificates without any program or library beside Node: an authority of one's own, and what it signs. */
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** A certificate and its private key, PEM. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

export interface Life {
  readonly from: Date
  readonly to: Date
}

/** A certificate authority that nobody signed: X.509 v3, P-256 (RFC 5280, RFC 5758 section 3.2). */
export function makeAuthority(name: string, life: Life): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    certificate: certificate({ name, privateKey }, { name, publicKey }, life, [
      extension(OID.basicConstraints, true, sequence(boolean(true))),
      extension(OID.keyUsage, true, bits(1, 0x06)), // keyCertSign, cRLSign
      extension(OID.subjectKeyIdentifier, false, octets(keyIdentifier(publicKey))),
    ]),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** A server certificate for these names and addresses. Throws when the authority cannot be read. */
export function issue(
  authority: KeyPair,
  { name, names, life }: { name: string; names: readonly string[]; life: Life },
): KeyPair {
  const signer = new X509Certificate(authority.certificate)
  const issuer = {
    name: signer.subject.replace(/^CN=/, ''),
    privateKey: createPrivateKey(authority.key),
  }
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    certificate: certificate(issuer, { name, publicKey }, life, [
      extension(OID.basicConstraints, true, sequence()),
      extension(OID.keyUsage, true, bits(7, 0x80)), // digitalSignature
      extension(OID.extendedKeyUsage, false, sequence(objectIdentifier(OID.serverAuth))),
      extension(
        OID.authorityKeyIdentifier,
        false,
        sequence(tag(0x80, keyIdentifier(signer.publicKey))),
      ),
      extension(OID.subjectAltName, false, sequence(...names.map(generalName))),
    ]),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** A fresh authority and a server certificate that it signed, for ten years: for sandboxes and tests. */
export function makeCertificates(names: readonly string[]): KeyPair & { readonly ca: string } {
  const life = { from: new Date(Date.now() - SLACK_MS), to: new Date(Date.now() + LIFE_MS) }
  const authority = makeAuthority('herald-sandbox-ca', life)
  return { ca: authority.certificate, ...issue(authority, { name: 'kube-apiserver', names, life }) }
}

const LIFE_MS = 10 * 365 * 24 * 3600 * 1000
/** Clocks differ. */
const SLACK_MS = 24 * 3600 * 1000

const OID = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
}

function certificate(
  issuer: { name: string; privateKey: KeyObject },
  subject: { name: string; publicKey: KeyObject },
  life: { from: Date; to: Date },
  extensions: readonly Buffer[],
): string {
  const algorithm = sequence(objectIdentifier(OID.ecdsaWithSha256))
  const toBeSigned = sequence(
    tag(0xa0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    distinguishedName(issuer.name),
    sequence(time(life.from), time(life.to)),
    distinguishedName(subject.name),
    subject.publicKey.export({ type: 'spki', format: 'der' }),
    tag(0xa3, sequence(...extensions)),
  )
  const signature = sign('sha256', toBeSigned, issuer.privateKey)
  const lines = sequence(toBeSigned, algorithm, tag(0x03, Buffer.from([0]), signature))
    .toString('base64')
    .match(/.{1,64}/g)
  return `-----BEGIN CERTIFICATE-----\n${lines?.join('\n')}\n-----END CERTIFICATE-----\n`
}

function keyIdentifier(publicKey: KeyObject): Buffer {
  return createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest()
}

function generalName(name: string): Buffer {
  if (isIP(name) === 0) return tag(0x82, Buffer.from(name, 'ascii'))
  return tag(0x87, Buffer.from(ipaddr.parse(name).toByteArray()))
}

function distinguishedName(name: string): Buffer {
  const text = tag(0x0c, Buffer.from(name, 'utf8'))
  return sequence(tag(0x31, sequence(objectIdentifier(OID.commonName), text)))
}

function extension(oid: string, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [boolean(true)] : []
  return sequence(objectIdentifier(oid), ...flag, octets(value))
}

// DER (ITU-T X.690): a tag, a length, the content.

function tag(octet: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content)
  if (body.length < 0x80) return Buffer.concat([Buffer.from([octet, body.length]), body])
  const length = Buffer.from(
    body.length.toString(16).padStart(body.length > 0xff ? 4 : 2, '0'),
    'hex',
  )
  return Buffer.concat([Buffer.from([octet, 0x80 | length.length]), length, body])
}

const sequence = (...items: readonly Buffer[]) => tag(0x30, ...items)
const integer = (value: Buffer) => tag(0x02, value)
const octets = (value: Buffer) => tag(0x04, value)
const boolean = (value: boolean) => tag(0x01, Buffer.from([value ? 0xff : 0]))
const bits = (unused: number, octet: number) => tag(0x03, Buffer.from([unused, octet]))

/** GeneralizedTime from 2050 on, UTCTime before (RFC 5280 section 4.1.2.5). */
function time(date: Date): Buffer {
  const text = `${date.toISOString().replace(/[-:T]|\.\d+/g, '')}`
  const late = date.getUTCFullYear() >= 2050
  return tag(late ? 0x18 : 0x17, Buffer.from(late ? text : text.slice(2), 'ascii'))
}

function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const arcs = [first * 40 + second, ...rest].flatMap(arc => {
    const sevens = [arc & 0x7f]
    for (let left = arc >> 7; left > 0; left >>= 7) sevens.unshift((left & 0x7f) | 0x80)
    return sevens
  })
  return tag(0x06, Buffer.from(arcs))
}
