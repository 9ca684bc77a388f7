/** Networks within one host: no wire, no identifier, any number of them. */
import { invalidInput } from '../../../lib/errors.ts'
import type { TypeDriver, WireSegment } from './type-driver.ts'

const segment: WireSegment = { network_type: 'local', physical_network: null, segmentation_id: null }

export const localDriver: TypeDriver = {
  type: 'local',
  check({ physical_network, segmentation_id }) {
    if (physical_network !== null)
      throw invalidInput('physical_network prohibited for local provider network')
    if (segmentation_id !== null) throw invalidInput('segmentation_id prohibited for local provider network')
  },
  reserve: async () => segment,
  allocate: async () => segment,
  release: async () => {},
  claim: () => null,
  taken: () => new Error('a local segment is never taken'),
}
