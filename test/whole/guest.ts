/**
 * A machine of its own for the server: a QEMU guest (emulated, no KVM) with Debian's cloud kernel, a disk that outlives
 * a reset, and ports forwarded to it. A reset takes what is in its memory, the page cache included.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { basename, delimiter, dirname, join } from 'node:path'
import { contentOf } from '../../cli/test/packages.ts'
import { run } from '../../host/run.ts'

const root = new URL('../..', import.meta.url).pathname
const packageName = 'linux-image-cloud-amd64'

/** Why no guest can run here, or undefined. For the `skip` of a test. */
export function whyNoGuest(): string | undefined {
  if (process.arch !== 'x64') return `needs a kernel for ${process.arch}`
  const path = `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter)
  const missing = ['qemu-system-x86_64', 'mke2fs', 'busybox', 'ldd'].filter(
    (program) => !path.some((directory) => existsSync(join(directory, program))),
  )
  if (!findKernel()) missing.push(packageName)
  return missing.length === 0 ? undefined : `needs ${missing.join(', ')}`
}

interface Kernel {
  image: string
  modules: string
}

function kernelIn(directory: string): Kernel | undefined {
  const boot = join(directory, 'boot')
  const name = existsSync(boot)
    ? readdirSync(boot).find((each) => /^vmlinuz-.*-cloud-amd64$/.test(each))
    : undefined
  if (name === undefined) return undefined
  return {
    image: join(boot, name),
    modules: join(directory, 'lib/modules', name.slice('vmlinuz-'.length), 'kernel'),
  }
}

/** Debian's cloud kernel: the installed one, else that which the lane has fetched. */
function findKernel(): Kernel | undefined {
  return kernelIn('/') ?? kernelIn(contentOf(packageName))
}

/** What the guest's disk and network need of the kernel. */
const drivers = ['virtio_pci', 'virtio_blk', 'virtio_net']

/** The drivers' modules with those that they depend on, in the order in which they can be loaded. */
function modulesOf(kernel: Kernel): string[] {
  const places = new Map(
    readdirSync(kernel.modules, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ko'))
      .map((path) => [basename(path, '.ko').replaceAll('-', '_'), join(kernel.modules, path)]),
  )
  const order = new Set<string>()
  const take = (name: string): void => {
    const path = places.get(name.replaceAll('-', '_'))
    if (path === undefined || order.has(path)) return
    const [, depends = ''] = /depends=([^\0]*)\0/.exec(readFileSync(path, 'latin1')) ?? []
    for (const other of depends.split(',').filter(Boolean)) take(other)
    order.add(path)
  }
  for (const name of drivers) take(name)
  return [...order]
}

const initScript = (modules: readonly string[]): string => `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /disk
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
for module in ${modules.join(' ')}; do
  /bin/busybox insmod /modules/$module
done
/bin/busybox mount -t ext4 -o errors=panic /dev/vda /disk || exec /bin/busybox sh
/bin/busybox mount -t proc proc /disk/proc
/bin/busybox mount -t sysfs sysfs /disk/sys
/bin/busybox mount -t devtmpfs dev /disk/dev
/bin/busybox mount -t tmpfs tmpfs /disk/tmp
/bin/busybox ip link set lo up
/bin/busybox ip link set eth0 up
/bin/busybox ip address add 10.0.2.15/24 dev eth0
/bin/busybox ip route add default via 10.0.2.2
exec /bin/busybox chroot /disk /bin/busybox sh /start
`

/** A program with the libraries that it needs, at their places under `target`. */
async function copyProgram(program: string, target: string, as: string): Promise<void> {
  const place = (path: string, to = path): void => {
    mkdirSync(dirname(join(target, to)), { recursive: true })
    copyFileSync(realpathSync(path), join(target, to))
  }
  place(program, as)
  const text = await run(['ldd', program]).catch(() => '')
  for (const [path] of text.matchAll(/\/\S+\.so\S*/g)) place(path)
}

export interface GuestOptions {
  /** A directory of its own. */
  directory: string
  /** Host's ports on 127.0.0.1 -> the guest's. */
  forward: ReadonlyMap<number, number>
  /** Files under `/etc/nucleon`, by name. */
  files: Readonly<Record<string, string>>
  /** The shell text that the guest runs once its disk and network are there. */
  start: string
}

export interface Guest {
  /** Pulls the plug and puts it back in: nothing is told to the guest. It boots anew. */
  reset(): Promise<void>
  /** What it has said on its console. */
  console(): string
  end(): Promise<void>
}

/** Builds the disk (the server's code, Node.js, an empty /state) and boots it. */
export async function bootGuest(options: GuestOptions): Promise<Guest> {
  const { directory } = options
  const kernel = findKernel()
  if (!kernel) throw new Error(`${packageName} is not there`)
  const at = (name: string): string => join(directory, name)

  const first = at('initramfs')
  for (const name of ['bin', 'modules']) mkdirSync(join(first, name), { recursive: true })
  await copyProgram('/usr/bin/busybox', first, 'bin/busybox')
  const modules = modulesOf(kernel)
  for (const path of modules) copyFileSync(path, join(first, 'modules', basename(path)))
  writeFileSync(join(first, 'init'), initScript(modules.map((path) => basename(path))), { mode: 0o755 })
  const pack = 'cd "$1" && find . | busybox cpio -o -H newc > "$2"'
  await run(['sh', '-c', pack, 'pack', first, at('initramfs.cpio')], { timeout: 30_000 })

  const disk = at('disk')
  for (const name of ['proc', 'sys', 'dev', 'tmp', 'bin', 'state/server', 'etc/nucleon', 'nucleon'])
    mkdirSync(join(disk, name), { recursive: true })
  await copyProgram('/usr/bin/busybox', disk, 'bin/busybox')
  await copyProgram(process.execPath, disk, 'bin/node')
  for (const room of ['lib', 'model', 'runtime', 'bus', 'server', 'package.json'])
    cpSync(join(root, room), join(disk, 'nucleon', room), { recursive: true })
  const tools = /^(\.|@biomejs|@types|@typescript|typescript|node-linux)/
  for (const name of readdirSync(join(root, 'node_modules')).filter((each) => !tools.test(each)))
    cpSync(join(root, 'node_modules', name), join(disk, 'nucleon/node_modules', name), { recursive: true })
  for (const [name, text] of Object.entries(options.files))
    writeFileSync(join(disk, 'etc/nucleon', name), text, { mode: 0o600 })
  writeFileSync(join(disk, 'start'), options.start)
  await run(['mke2fs', '-q', '-t', 'ext4', '-d', disk, at('disk.img'), '1G'], { timeout: 60_000 })

  const monitor = at('qmp.sock')
  const forwards = [...options.forward]
    .map(([host, guest]) => `,hostfwd=tcp:127.0.0.1:${host}-:${guest}`)
    .join('')
  const qemu: ChildProcess = spawn(
    'qemu-system-x86_64',
    [
      ...[
        '-accel',
        'tcg,thread=multi',
        '-cpu',
        'max',
        '-smp',
        '2',
        '-m',
        '1024',
        '-nographic',
        '-nodefaults',
      ],
      ...['-kernel', kernel.image, '-initrd', at('initramfs.cpio'), '-serial', `file:${at('console')}`],
      ...['-append', 'console=ttyS0 quiet panic=-1 random.trust_cpu=on mitigations=off'],
      ...['-drive', `file=${at('disk.img')},format=raw,if=virtio,cache=writeback`],
      ...['-netdev', `user,id=net${forwards}`, '-device', 'virtio-net-pci,netdev=net'],
      ...['-qmp', `unix:${monitor},server=on,wait=off`],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const ended = new Promise<void>((resolve) => qemu.once('close', () => resolve()))
  return {
    async reset() {
      await command(monitor, 'system_reset')
    },
    console: () => (existsSync(at('console')) ? readFileSync(at('console'), 'utf8') : ''),
    async end() {
      qemu.kill('SIGKILL')
      await ended
    },
  }
}

/** One command of QEMU's machine protocol; resolves when it has been done. */
function command(path: string, execute: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    let said = ''
    socket.setEncoding('utf8')
    socket.on('error', reject)
    socket.on('data', (text: string) => {
      said += text
      const answers = said.split('\n').filter((line) => line.includes('"return"'))
      if (answers.length === 1 && !said.includes('asked')) {
        said += 'asked'
        socket.write(`${JSON.stringify({ execute })}\n`)
      } else if (answers.length >= 2) {
        socket.destroy()
        resolve()
      }
    })
    socket.write('{"execute":"qmp_capabilities"}\n')
  })
}
