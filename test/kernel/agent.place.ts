/**
 * One test host with the real agent process on it, and a scripted server that this process serves over a unix socket:
 * what a test puts into the feed must become packets.
 */
import { createWriteStream, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ScriptedFeed, scriptedFeed } from '../../agents/testing/feed.server.ts'
import { makeCredential } from '../../bus/credential.ts'
import type { Fact } from '../../bus/feed.ts'
import { serveFeed } from '../../bus/testing/feed.http.ts'
import { createTestHost, type TestHost, type TestProcess } from './sandbox.ts'

const repository = join(import.meta.dirname, '../..')

export interface AgentPlace {
  host: TestHost
  feed: ScriptedFeed
  /** Starts the agent; resolves when it is ready. */
  start(...options: string[]): Promise<TestProcess>
  /** Makes a namespace `vm<n>` with eth0, and plugs its other end on br-int as Nova does. */
  plug(n: number, portId: string, mac: string): Promise<void>
  unplug(n: number): Promise<void>
  /** Waits until the server has been told this of a port. */
  told(kind: Fact['kind'], portId: string, holds?: (fact: Fact) => boolean): Promise<void>
  /** Asks for an address by DHCP; answers what the client was given by name, or undefined when nobody offered. */
  dhcp(n: number): Promise<Record<string, string> | undefined>
  /** The same by DHCPv6: for an address, or for options alone (`stateless`). Waits for the link-local address. */
  dhcp6(n: number, mode: 'stateful' | 'stateless'): Promise<Record<string, string> | undefined>
  destroy(): Promise<void>
}

/** `lines`: more of the configuration, from within [DEFAULT] on. */
export async function createAgentPlace(name: string, lines = ''): Promise<AgentPlace> {
  const host = await createTestHost(name)
  const feed = scriptedFeed()
  const secret = 'secret'
  const socket = join(host.dir, 'feed.sock')
  const server = await serveFeed(secret, () => feed, socket)
  const file = (base: string, text: string) => {
    const path = join(host.dir, base)
    writeFileSync(path, text, { mode: base.endsWith('.sh') ? 0o755 : 0o644 })
    return path
  }
  const credential = file('credential', makeCredential(secret, 'host-a'))
  const config = file(
    'agent.conf',
    `[DEFAULT]\ndebug = true\n${lines}\n[ovs]\ndatapath_type = netdev\nlocal_ip = 127.0.0.1\n[agent]\ntunnel_types = vxlan\n`,
  )
  const script = file('udhcpc.sh', '#!/bin/sh\n[ "$1" != bound ] || env\n')
  const script6 = file(
    'dhclient.sh',
    '#!/bin/sh\ncase $reason in BOUND6|INFORM6|RENEW6|REBIND6) env;; esac\n',
  )
  const log = createWriteStream(process.env.NUCLEON_AGENT_LOG ?? join(host.dir, 'agent.log'))
  await host.run(['chmod', '755', host.dir])
  const agents: TestProcess[] = []

  return {
    host,
    feed,
    async start(...options) {
      const agent = await host.spawn([
        process.execPath,
        join(repository, 'agents/main.ts'),
        ...['--host', 'host-a', '--server', `unix:${socket}`, '--credential-file', credential],
        ...['--config-file', config, '--state', join(host.dir, 'state')],
        ...['--ovsdb', host.ovsdbSocket, '--ovs-rundir', host.ovsRunDir, ...options],
      ])
      agents.push(agent)
      let output = ''
      const take = (chunk: Buffer) => {
        output += chunk.toString()
        log.write(chunk)
      }
      agent.child.stdout?.on('data', take)
      agent.child.stderr?.on('data', take)
      await until(`the agent is ready: ${join(host.dir, 'agent.log')}`, () => {
        if (agent.child.exitCode !== null) throw new Error(`the agent ended: ${output}`)
        return output.includes('"msg":"ready"')
      })
      return agent
    },
    async plug(n, portId, mac) {
      const [space, device] = [`vm${n}`, `tap${n}`]
      await host.run(['ip', 'netns', 'add', space])
      await host.run([
        'ip',
        'link',
        'add',
        device,
        'type',
        'veth',
        'peer',
        'name',
        'eth0',
        'address',
        mac,
        'netns',
        space,
      ])
      await host.run(['ip', 'link', 'set', device, 'up'])
      await host.run(['ip', '-n', space, 'link', 'set', 'eth0', 'up'])
      await host.runIn(space, ['ethtool', '-K', 'eth0', 'tx', 'off'])
      await host.run([
        ...['ovs-vsctl', 'add-port', 'br-int', device, 'tag=4095', '--', 'set', 'Interface', device],
        ...[`external_ids:iface-id=${portId}`, `external_ids:attached-mac="${mac}"`],
      ])
    },
    async unplug(n) {
      await host.run(['ovs-vsctl', 'del-port', 'br-int', `tap${n}`])
      await host.run(['ip', 'link', 'del', `tap${n}`])
      await host.run(['ip', 'netns', 'del', `vm${n}`])
    },
    async told(kind, portId, holds = () => true) {
      await until(`${kind} of ${portId}`, () => {
        const fact = feed.facts.get(`${kind} ${portId}`)
        return fact !== undefined && holds(fact)
      })
    },
    async dhcp(n) {
      const client = ['udhcpc', '-i', 'eth0', '-f', '-n', '-q', '-t', '3', '-T', '1', '-A', '1', '-s', script]
      const asked = ['mtu', 'staticroutes', 'msstaticroutes'].flatMap((option) => ['-O', option])
      const output = await host.runIn(`vm${n}`, [...client, ...asked]).catch(() => undefined)
      return output === undefined ? undefined : variables(output)
    },
    async dhcp6(n, mode) {
      await until('the link-local address is there', async () => {
        const shown = await host.runIn(`vm${n}`, ['ip', '-6', 'address', 'show', 'dev', 'eth0'])
        return shown.includes('scope link') && !shown.includes('tentative')
      })
      const base = join(host.dir, `dhclient-${n}`)
      const files = ['-cf', '/dev/null', '-lf', `${base}.leases`, '-pf', `${base}.pid`, '-sf', script6]
      const asks = mode === 'stateful' ? ['-N'] : ['-S']
      const client = ['dhclient', '-6', '-d', '-1', '-D', 'LL', ...files, ...asks, 'eth0']
      // With a lease of before it would merely ask whether it is still on the same link.
      rmSync(`${base}.leases`, { force: true })
      // It stays to renew its lease; what it was given is told at once.
      const process_ = await host.spawn(['ip', 'netns', 'exec', `vm${n}`, ...client])
      let output = ''
      process_.child.stdout?.on('data', (chunk) => {
        output += chunk
      })
      process_.child.stderr?.on('data', (chunk) => log.write(chunk))
      const told = until('dhclient is told', () => output.includes('reason='), 4000)
      await Promise.race([told, process_.ended]).catch(() => {})
      await sleep(50)
      process_.kill('SIGKILL')
      await process_.ended
      await told.catch(() => {})
      return output.includes('reason=') ? variables(output) : undefined
    },
    async destroy() {
      for (const agent of agents) agent.kill('SIGKILL')
      await server.close()
      await host.destroy()
      log.end()
    },
  }
}

/** Reads what `env` prints. */
function variables(text: string): Record<string, string> {
  const given = text.split('\n').map((line): [string, string] => {
    const at = line.indexOf('=')
    return [line.slice(0, at), line.slice(at + 1)]
  })
  return Object.fromEntries(given)
}

export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  within = 10_000,
): Promise<void> {
  const end = performance.now() + within
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${within} ms: ${what}`)
    await sleep(10)
  }
}
