/** Ports of the API: from attributes to what port.store.ts does with rows. */
import type { Resource } from '../../model/resource.ts'
import { dhcpOwner } from '../dhcp/dhcp-port.ts'
import { ensureDhcp } from '../dhcp/dhcp-scheduler.ts'
import type { BindingWish } from '../ml2/binding.ts'
import type { Ml2 } from '../ml2/ml2.ts'
import { networkTargets } from '../network/network.targets.ts'
import { checkPolicyChange, requireUsablePolicy } from '../qos/use.ts'
import type { Feature, Input } from '../resource.ts'
import type { Tx } from '../store/store.ts'
import { replaceTags } from '../tag/tags.ts'
import { portBindings } from './bindings.member.ts'
import { portReader } from './port.reader.ts'
import {
  createPort,
  type NewPort,
  type PortChanges,
  type PortNetwork,
  portNetwork,
  removePort,
  touchPorts,
  updatePort,
} from './port.store.ts'

/** A validated body of a port; what was not sent is absent. */
interface PortInput extends Omit<NewPort, 'binding'> {
  network_id: string
  'binding:host_id'?: string | null
  'binding:vnic_type'?: string
  'binding:profile'?: Record<string, unknown> | null
  hardware_offload_type?: string
}

/** Who removes a DHCP port finds another in its place while the network's subnets are to be served. */
export function portFeature(resource: Resource, ml2: Ml2): Feature {
  return {
    resource,
    reader: portReader(ml2.settings),
    targets: networkTargets,
    serialize: (inputs) => [...new Set(inputs.map((input) => `network:${input.network_id}`))],
    async create(tx, context, inputs) {
      const networks = new Map<string, PortNetwork>()
      const ids: string[] = []
      for (const input of inputs) {
        const body = input as unknown as PortInput
        const network = networks.get(body.network_id) ?? (await portNetwork(tx, body.network_id))
        networks.set(body.network_id, network)
        await requireUsablePolicy(tx, context, body.qos_policy_id)
        ids.push(await createPort(tx, ml2, network, { ...body, extras: input, ...bindingOf(body) }))
      }
      return ids
    },
    async update(tx, context, current, changes: Input) {
      const body = changes as Partial<PortInput>
      await checkPolicyChange(tx, context, current.qos_policy_id as string | null, body.qos_policy_id)
      const wanted: PortChanges = { ...body, extras: changes, ...bindingOf(body) }
      await updatePort(tx, ml2, current.id, wanted)
    },
    async remove(tx, _context, current) {
      await removePort(tx, ml2, current.id)
      // Whose subnets are served has a server all the same.
      if (current.device_owner === dhcpOwner) await ensureDhcp(tx, ml2, String(current.network_id))
    },
    members: {
      ...(resource.members.bindings && { bindings: portBindings(resource.members.bindings, ml2) }),
    },
    async setTags(tx: Tx, _context, current, tags) {
      await replaceTags(tx, 'port', current.id, tags)
      await touchPorts(tx, [current.id])
    },
  }
}

function bindingOf(body: Partial<PortInput>): { binding?: Partial<BindingWish> } {
  const { 'binding:host_id': host, 'binding:vnic_type': vnicType } = body
  // The driver of the device reads what it switches by itself from the profile.
  const profile = body.hardware_offload_type
    ? { ...body['binding:profile'], capabilities: [body.hardware_offload_type] }
    : body['binding:profile']
  if (host === undefined && vnicType === undefined && profile === undefined) return {}
  return {
    binding: {
      ...(host === undefined ? {} : { host: host ?? '' }),
      ...(vnicType === undefined ? {} : { vnic_type: vnicType }),
      ...(profile === undefined ? {} : { profile: profile ?? {} }),
    },
  }
}
