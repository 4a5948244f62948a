/** The keys of the pool windows (functions/announce/windows.ts), from their files. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'

export interface WindowsSettings {
  readonly windowsKeyFile: string | null
  readonly windowsPublicKeyFile: string | null
}

export interface WindowsKeys {
  /** Null: nothing is signed. */
  readonly windowsKey: KeyObject | null
  /** Null: whatever Redis says is announced. */
  readonly windowsPublicKey: KeyObject | null
}

/** Says what is wrong through `complain`, in words that repeat nothing of a file. */
export function windowsKeysOf(
  { windowsKeyFile, windowsPublicKeyFile }: WindowsSettings,
  complain: (setting: keyof WindowsSettings, why: string) => void,
): WindowsKeys {
  const read = (
    setting: keyof WindowsSettings,
    path: string | null,
    parse: (pem: string) => KeyObject,
  ): KeyObject | null => {
    if (path === null) return null
    try {
      const key = parse(readFileSync(path, 'utf8'))
      if (key.asymmetricKeyType === 'ed25519') return key
      complain(setting, 'its key must be an Ed25519 key')
    } catch {
      complain(setting, 'there is no such file, it may not be read, or it holds no such key in PEM')
    }
    return null
  }
  return {
    windowsKey: read('windowsKeyFile', windowsKeyFile, createPrivateKey),
    windowsPublicKey: read('windowsPublicKeyFile', windowsPublicKeyFile, createPublicKey),
  }
}
