/**
 * What tests read of Debian packages that nobody should have to install for them (a kernel, stock configuration
 * files): their content, fetched once and kept beside the npm packages.
 */
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../host/run.ts'
import { repository } from '../paths.ts'

const cache = join(repository, 'node_modules/.cache/packages')
/** Milliseconds that a download may take. */
const patience = 300_000

/** Where the content of a package lies once it is fetched. */
export function contentOf(name: string): string {
  return join(cache, name)
}

/**
 * Fetches the content of a package; of one that stands for the newest of its kind (`linux-image-cloud-amd64`), that of
 * the package which it depends on. It is there whole, or not at all. Throws CommandError where it cannot be had.
 */
export async function fetchContent(name: string): Promise<void> {
  if (existsSync(contentOf(name))) return
  await mkdir(cache, { recursive: true })
  const work = mkdtempSync(join(cache, '.fetch-'))
  try {
    const real = await versionOf(name).catch(async () => {
      await run(['apt-get', '-q', 'update'], { timeout: patience })
      return versionOf(name)
    })
    // Root's downloads are otherwise done by a user who may not write here.
    await run(['apt-get', '-q', '-o', 'APT::Sandbox::User=root', 'download', real], {
      cwd: work,
      timeout: patience,
    })
    const [file = ''] = readdirSync(work)
    await run(['dpkg-deb', '-x', join(work, file), join(work, 'content')], { timeout: patience })
    renameSync(join(work, 'content'), contentOf(name))
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** `linux-image-cloud-amd64` -> `linux-image-6.1.0-50-cloud-amd64`; any other package is itself. */
async function versionOf(name: string): Promise<string> {
  const text = await run(['apt-cache', 'depends', name])
  const [, version] = /Depends: (linux-image-\S+)/.exec(text) ?? []
  return version ?? name
}
