/** Untagged networks: one a physical network, made by administrators only. */
import { flatNetworkInUse, invalidInput } from '../../../lib/errors.ts'
import type { NetworkingSettings } from '../../settings.ts'
import type { TypeDriver } from './type-driver.ts'

/** `flat_networks` of [ml2_type_flat] names the physical networks; `*` stands for all. */
export function flatDriver({ ml2_type_flat: options }: NetworkingSettings): TypeDriver {
  const allowed = new Set(options.flat_networks)
  return {
    type: 'flat',
    check({ physical_network, segmentation_id }) {
      if (physical_network === null || physical_network === '') {
        throw invalidInput('physical_network required for flat provider network')
      }
      if (!allowed.has('*') && !allowed.has(physical_network)) {
        throw invalidInput(`physical_network '${physical_network}' unknown for flat provider network`)
      }
      if (segmentation_id !== null) throw invalidInput('segmentation_id prohibited for flat provider network')
    },
    reserve: async (_tx, segment) => segment,
    allocate: async () => undefined,
    release: async () => {},
    claim: ({ physical_network }) => `flat ${physical_network}`,
    taken: ({ physical_network }) => flatNetworkInUse(physical_network ?? ''),
  }
}
