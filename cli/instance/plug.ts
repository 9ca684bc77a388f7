/**
 * Plugs an instance as Nova and os-vif do: a tap-named device on br-int whose interface carries the port's id, made
 * in one transaction on VLAN 4095, where it reaches nobody until the L2 agent wires it. The other end is `eth0` in
 * the instance's network namespace.
 */
import { existsSync } from 'node:fs'
import { run } from '../../host/run.ts'
import { UserError } from '../errors.ts'
import { vsctl } from '../up/bridges.ts'
import type { InstanceRecord } from './record.ts'

/** No port of a network is on this VLAN: what is tagged with it is isolated. */
const deadVlan = 4095

/** Makes the instance's namespace. Throws UserError, and has made nothing, where it or the device is somebody else's. */
export async function makeNamespace({
  namespace,
  device,
}: Pick<InstanceRecord, 'namespace' | 'device'>): Promise<void> {
  const there = existsSync(`/run/netns/${namespace}`)
    ? `network namespace ${namespace}`
    : existsSync(`/sys/class/net/${device}`)
      ? `device ${device}`
      : undefined
  if (there !== undefined) {
    throw new UserError(
      `there is a ${there} already, of no instance of this state`,
      'Choose another name, or remove it.',
    )
  }
  // Who makes it in between is refused by this.
  await run(['ip', 'netns', 'add', namespace])
}

/** Makes both ends in the namespace that makeNamespace has made, and puts the outer one on br-int. */
export async function plug(ovsdb: string, instance: InstanceRecord): Promise<void> {
  const { namespace, device, mac, mtu } = instance
  const outer = [
    `link add ${device} mtu ${mtu} type veth peer name eth0 address ${mac} mtu ${mtu} netns ${namespace}`,
    `link set ${device} up`,
  ]
  await run(['ip', '-batch', '-'], { input: `${outer.join('\n')}\n` })
  await run(['ip', '-n', namespace, '-batch', '-'], { input: 'link set lo up\nlink set eth0 up\n' })
  // What a veth leaves unfinished, a userspace datapath passes on as it is: checksums must be whole.
  await run(['ip', 'netns', 'exec', namespace, 'ethtool', '-K', 'eth0', 'tx', 'off'])
  await attach(ovsdb, instance)
}

/** Puts the outer end on br-int. */
export async function attach(ovsdb: string, instance: InstanceRecord): Promise<void> {
  const { device, portId, mac, id } = instance
  await vsctl(ovsdb, [
    'add-port',
    'br-int',
    device,
    `tag=${deadVlan}`,
    '--',
    'set',
    'Interface',
    device,
    `external_ids:iface-id=${portId}`,
    'external_ids:iface-status=active',
    `external_ids:attached-mac="${mac}"`,
    `external_ids:vm-id=${id}`,
  ])
}

/** Takes the outer end off br-int; the instance keeps its namespace. */
export async function detach(ovsdb: string, instance: Pick<InstanceRecord, 'device'>): Promise<void> {
  await vsctl(ovsdb, ['--if-exists', 'del-port', 'br-int', instance.device])
}

async function processesIn(namespace: string): Promise<number[]> {
  const text = await run(['ip', 'netns', 'pids', namespace])
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(Number)
}

/**
 * Removes all of it; what is gone already is success. Ends the processes of the instance: its DHCP client and what
 * was started by `exec`. `ovsdb` null means that no switch runs.
 */
export async function unplug(ovsdb: string | null, instance: InstanceRecord): Promise<void> {
  if (ovsdb !== null) await detach(ovsdb, instance)
  if (existsSync(`/run/netns/${instance.namespace}`)) {
    for (const pid of await processesIn(instance.namespace)) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
    // A device that goes with its namespace goes later; deleted first, it is gone when this returns.
    await run(['ip', 'link', 'del', instance.device]).catch(() => {})
    await run(['ip', 'netns', 'del', instance.namespace])
  } else {
    await run(['ip', 'link', 'del', instance.device]).catch(() => {})
  }
}

/** The argument array that runs a command inside an instance, with the instance's own resolv.conf. */
export function insideOf(
  namespace: string,
  resolvConf: string,
  command: readonly string[],
): [string, ...string[]] {
  // `ip netns exec` gives the command a mount namespace of its own; the binding ends with it.
  const script = 'test ! -s "$0" || mount --bind "$0" /etc/resolv.conf; exec "$@"'
  return ['ip', 'netns', 'exec', namespace, 'sh', '-c', script, resolvConf, ...command]
}
