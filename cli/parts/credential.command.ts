/** `nucleon credential`: what an agent on another host shows to the server's feed. */
import { readFileSync } from 'node:fs'
import { makeCredential } from '../../bus/credential.ts'
import { replaceFile } from '../../runtime/files.ts'
import { UserError } from '../errors.ts'
import { requireHostName } from '../host-name.ts'

export interface CredentialOptions {
  feedSecretFile: string
  output?: string
}

/** Makes the credential of a host, prints it or writes it to a file for its owner alone. */
export function credential(host: string, { feedSecretFile, output }: CredentialOptions): void {
  const secret = readFileSync(feedSecretFile, 'utf8').trim()
  if (secret === '') throw new UserError(`${feedSecretFile} is empty`, 'Make a secret: openssl rand -hex 32')
  const text = `${makeCredential(secret, requireHostName(host))}\n`
  if (output === undefined) process.stdout.write(text)
  else replaceFile(output, text, { mode: 0o600 })
}
