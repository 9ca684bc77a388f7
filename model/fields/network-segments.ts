/** Segments of a multi-provider network, as a client asks for them. */
import { integerOf } from './integer.ts'
import { isObject, type Kind, listOf, onlyKeys, refuse, shown } from './kind.ts'
import { textOf } from './string.ts'

export interface SegmentRequest {
  'provider:network_type'?: string
  'provider:physical_network'?: string | null
  'provider:segmentation_id'?: number | null
}

const keys = ['provider:network_type', 'provider:physical_network', 'provider:segmentation_id'] as const

/** Neutron: type:network_segments. */
export const networkSegments: Kind<SegmentRequest[]> = {
  name: 'network-segments',
  schema: {
    type: 'array',
    items: {
      type: 'object',
      properties: {
        'provider:network_type': { type: 'string', maxLength: 32 },
        'provider:physical_network': { type: ['string', 'null'], maxLength: 64 },
        'provider:segmentation_id': { type: ['integer', 'null'] },
      },
      additionalProperties: false,
    },
  },
  parse: (value) =>
    listOf(value).map((segment) => {
      if (!isObject(segment)) return refuse(`Invalid data format for segment: ${shown(segment)}`)
      onlyKeys(segment, keys)
      const [type, physical, id] = keys.map((key) => segment[key])
      const result: SegmentRequest = {}
      if (type !== undefined) result['provider:network_type'] = textOf(type, 32)
      if (physical !== undefined) {
        result['provider:physical_network'] = physical === null ? null : textOf(physical, 64)
      }
      if (id !== undefined) result['provider:segmentation_id'] = id === null ? null : integerOf(id)
      return result
    }),
}
