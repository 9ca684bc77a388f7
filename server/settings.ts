/** The part of the configuration that networks, subnets, ports and agents depend on, under its INI names. */
import type { Sections, Values } from '../runtime/config/option.ts'
import {
  flatOptions,
  geneveOptions,
  greOptions,
  ml2Options,
  networkingOptions,
  quotaOptions,
  vlanOptions,
  vxlanOptions,
} from '../runtime/config/options/networking.ts'

export const networkingSections = {
  DEFAULT: networkingOptions,
  ml2: ml2Options,
  ml2_type_flat: flatOptions,
  ml2_type_vlan: vlanOptions,
  ml2_type_gre: greOptions,
  ml2_type_vxlan: vxlanOptions,
  ml2_type_geneve: geneveOptions,
  quotas: quotaOptions,
} satisfies Sections

export type NetworkingSettings = Values<typeof networkingSections>

/** What an empty configuration means. */
export function defaultSettings(): NetworkingSettings {
  const sections = Object.entries(networkingSections).map(([name, options]) => [
    name,
    Object.fromEntries(Object.entries(options).map(([key, option]) => [key, option.default])),
  ])
  return Object.fromEntries(sections) as NetworkingSettings
}
