/**
 * Things of others on a host, five of each kind, and whether they are still as they were made: said by the system's
 * own tools.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from '../../host/run.ts'

export interface ForeignThings {
  /** Puts ports and flows on a bridge of ours. */
  settleOn(bridge: string): Promise<void>
  /** What is gone or not as it was. */
  missing(): Promise<string[]>
  end(): Promise<void>
}

const each = [1, 2, 3, 4, 5] as const

export async function createForeignThings(directory: string): Promise<ForeignThings> {
  const checks = new Map<string, () => Promise<boolean> | boolean>()
  const processes: ChildProcess[] = []
  mkdirSync(directory, { recursive: true })
  const says = async (argv: [string, ...string[]], part: string | RegExp) => {
    const text = await run(argv)
    return typeof part === 'string' ? text.includes(part) : part.test(text)
  }

  for (const n of each) {
    const space = `foreign${n}`
    await run(['ip', 'netns', 'add', space])
    checks.set(`namespace ${space}`, () => says(['ip', 'netns'], space))

    await run(['ip', 'link', 'add', `fo${n}`, 'type', 'veth', 'peer', 'name', 'fi', 'netns', space])
    await run(['ip', 'link', 'set', `fo${n}`, 'up'])
    await run(['ip', '-n', space, 'link', 'set', 'fi', 'up'])
    checks.set(`link fo${n}`, () => says(['ip', 'link', 'show', `fo${n}`], 'state UP'))

    await run(['ip', 'address', 'add', `198.51.100.${n}/32`, 'dev', `fo${n}`])
    checks.set(`address on fo${n}`, () => says(['ip', 'address', 'show', `fo${n}`], `198.51.100.${n}/32`))

    await run(['ip', 'route', 'add', `203.0.113.${n}/32`, 'dev', `fo${n}`])
    checks.set(`route ${n}`, () => says(['ip', 'route'], `203.0.113.${n} dev fo${n}`))

    const sysctl = '/proc/sys/net/ipv6/conf/fi/accept_ra'
    await run(['ip', 'netns', 'exec', space, 'sh', '-c', `echo 2 > ${sysctl}`])
    checks.set(`sysctl in ${space}`, () => says(['ip', 'netns', 'exec', space, 'cat', sysctl], /^2$/m))
    checks.set(`checksum offload in ${space}`, () =>
      says(['ip', 'netns', 'exec', space, 'ethtool', '-k', 'fi'], 'tx-checksumming: on'),
    )

    const files = join(directory, space)
    mkdirSync(files)
    for (const name of ['hosts', 'leases']) {
      const [path, text] = [join(files, name), name === 'hosts' ? '02:00:00:00:00:01,10.0.0.1\n' : '']
      writeFileSync(path, text)
      const { ino } = statSync(path)
      checks.set(`file ${path}`, () => readFileSync(path, 'utf8') === text && statSync(path).ino === ino)
    }
    chmodSync(files, 0o711)
    checks.set(`directory ${files}`, () => (statSync(files).mode & 0o777) === 0o711)

    const server = spawn(
      'ip',
      [
        ...['netns', 'exec', space, 'dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0'],
        ...['--user=root', '--interface=fi', '--bind-dynamic', '--dhcp-range=10.9.0.0,static,255.255.255.0'],
        ...[`--dhcp-leasefile=${join(files, 'leases')}`, `--pid-file=${join(files, 'pid')}`],
      ],
      { stdio: 'ignore' },
    )
    processes.push(server)
    checks.set(`process dnsmasq in ${space}`, () => server.exitCode === null && server.signalCode === null)

    const bridge = `br-foreign${n}`
    await run([
      ...(['ovs-vsctl', 'add-br', bridge, '--', 'set', 'bridge', bridge, 'datapath_type=netdev'] as const),
      ...['--', 'add-port', bridge, `fp${n}`, 'tag=7', '--', 'set', 'interface', `fp${n}`, 'type=patch'],
      ...[`options:peer=fq${n}`, '--', 'add-port', bridge, `fq${n}`, '--', 'set', 'interface', `fq${n}`],
      ...['type=patch', `options:peer=fp${n}`],
    ])
    checks.set(`bridge ${bridge}`, () => says(['ovs-vsctl', 'list-br'], bridge))
    checks.set(
      `fail mode of ${bridge}`,
      async () => !(await says(['ovs-vsctl', 'get-fail-mode', bridge], 'secure')),
    )
    checks.set(`patch port fp${n}`, () =>
      says(['ovs-vsctl', 'get', 'interface', `fp${n}`, 'options:peer'], `fq${n}`),
    )
    checks.set(`tag of fp${n}`, () => says(['ovs-vsctl', 'get', 'port', `fp${n}`, 'tag'], /^7$/m))
    const flow = `cookie=0x7${n},table=9,priority=${n}`
    await run(['ovs-ofctl', 'add-flow', bridge, `${flow},actions=drop`])
    checks.set(`flow of ${bridge}`, () =>
      says(
        ['ovs-ofctl', 'dump-flows', bridge],
        new RegExp(`cookie=0x7${n}, .*table=9, .*priority=${n} actions=drop`),
      ),
    )
    await run(['iptables', '-w', '-A', 'FORWARD', '-s', `198.51.100.${n}`, '-j', 'DROP'])
    checks.set(`rule ${n}`, () => says(['iptables', '-w', '-S', 'FORWARD'], `-s 198.51.100.${n}/32 -j DROP`))
  }

  return {
    async settleOn(bridge) {
      for (const n of each) {
        const name = `fg${n}`
        await run([
          ...(['ovs-vsctl', 'add-port', bridge, name, `tag=${100 + n}`] as const),
          ...['--', 'set', 'interface', name, 'type=internal'],
        ])
        checks.set(`port ${name} of ${bridge}`, () => says(['ovs-vsctl', 'list-ports', bridge], name))
        checks.set(`tag of ${name}`, () =>
          says(['ovs-vsctl', 'get', 'port', name, 'tag'], new RegExp(`^${100 + n}$`, 'm')),
        )
        await run(['ovs-ofctl', 'add-flow', bridge, `cookie=0x8${n},table=99,priority=${n},actions=drop`])
        checks.set(`flow ${n} of ${bridge}`, () =>
          says(
            ['ovs-ofctl', 'dump-flows', bridge],
            new RegExp(`cookie=0x8${n}, .*priority=${n} actions=drop`),
          ),
        )
      }
    },
    async missing() {
      const missing: string[] = []
      for (const [name, check] of checks) {
        const holds = await Promise.resolve()
          .then(check)
          .catch(() => false)
        if (!holds) missing.push(name)
      }
      return missing
    },
    async end() {
      for (const child of processes) child.kill('SIGKILL')
      await sleep(50)
    },
  }
}
