import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { hostOf } from '../../bus/credential.ts'
import { CommandError, run } from '../../host/run.ts'
import { repository } from '../paths.ts'

const launcher = join(repository, 'nucleon')

function scratch(t: { after(work: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'parts-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

test('help of the parts needs nothing that the parts need', async (t) => {
  // No more than the launcher itself takes.
  const directory = scratch(t)
  for (const program of ['readlink', 'uname', 'dirname']) {
    symlinkSync(`/usr/bin/${program}`, join(directory, program))
  }
  const env = { PATH: directory, HOME: directory }
  const help = (...args: string[]) => run(['/bin/sh', launcher, ...args], { env, timeout: 20_000 })
  for (const [args, words] of [
    [['server', '--help'], /^ {2}--feed-secret-file FILE {2,}\S/m],
    [['agent', '--help'], /^ {2}--roles ROLE,… .*\(default: l2,dhcp\)$/m],
    [['agent', '-h'], /^usage: nucleon agent /],
    [['up', '--help'], /--identity-port/],
    [['server', '--sample-config'], /^\[ml2\]$/m],
    [['agent', '--sample-config'], /^#dhcp_renewal_time = /m],
  ] as const) {
    assert.match(await help(...args), words)
  }
})

test('a credential is made for one host, and kept for its owner', async (t) => {
  const directory = scratch(t)
  const [secret, output] = [join(directory, 'secret'), join(directory, 'credential')]
  const make = (host: string, ...more: string[]) =>
    run([launcher, 'credential', host, '--feed-secret-file', secret, ...more])
  writeFileSync(secret, 's3cret\n')
  assert.equal(hostOf('s3cret', (await make('rack1.example')).trim()), 'rack1.example')
  writeFileSync(output, 'old')
  chmodSync(output, 0o644)
  assert.equal(await make('rack2', '--output', output), '')
  assert.equal(hostOf('s3cret', readFileSync(output, 'utf8').trim()), 'rack2')
  assert.equal(statSync(output).mode & 0o777, 0o600)

  const refused = async (work: Promise<string>) => {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof CommandError)
    return error.stderr
  }
  assert.match(await refused(make('no host')), /is no name for a host/)
  writeFileSync(secret, '\n')
  assert.match(await refused(make('rack1')), /secret is empty/)
})
