/** Sub-ports of a trunk: ports, and the tag that each has on the trunk. */
import { integerOf } from './integer.ts'
import { ConversionError, isObject, type Kind, listOf, noRepeats, onlyKeys, refuse, shown } from './kind.ts'
import { uuid, uuidOf } from './uuid.ts'

export interface SubPortRequest {
  port_id: string
  segmentation_type?: string
  segmentation_id?: number
}

/** Asks for the type and id of the sub-port's network. */
export const inherited = 'inherit'

/** Neutron: type:subports. */
export const subports: Kind<SubPortRequest[]> = {
  name: 'subports',
  schema: {
    type: 'array',
    items: {
      type: 'object',
      required: ['port_id'],
      properties: {
        port_id: uuid.schema,
        segmentation_type: { enum: ['vlan', inherited] },
        segmentation_id: { type: 'integer', minimum: 1, maximum: 4094 },
      },
      additionalProperties: false,
    },
  },
  parse(value) {
    const wanted = listOf(value).map(subport)
    noRepeats(
      wanted.map((one) => one.port_id),
      'port_id',
    )
    const tagged = wanted.filter((one) => one.segmentation_id !== undefined)
    noRepeats(
      tagged.map((one) => `${one.segmentation_type} ${one.segmentation_id}`),
      'segmentation',
    )
    return wanted
  },
}

function subport(value: unknown): SubPortRequest {
  if (!isObject(value)) return refuse(`Invalid data format for subports: ${shown(value)} is not a dictionary`)
  onlyKeys(value, ['port_id', 'segmentation_type', 'segmentation_id'])
  const port_id = uuidOf(value.port_id)
  const { segmentation_type: type, segmentation_id: id } = value
  if (type === undefined && id === undefined) return { port_id }
  if (typeof type !== 'string') {
    return refuse(
      `Invalid subport details for ${port_id}: segmentation_type has to come with segmentation_id`,
    )
  }
  if (id === undefined) {
    return type === inherited
      ? { port_id, segmentation_type: type }
      : refuse(`Invalid subport details for ${port_id}: segmentation_id has to come with segmentation_type`)
  }
  if (type === inherited) return refuse(`Invalid subport details for ${port_id}: the id is inherited too`)
  return { port_id, segmentation_type: type, segmentation_id: tag(id) }
}

function tag(value: unknown): number {
  try {
    return integerOf(value)
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error
    return refuse(`segmentation_id ${shown(value)} is not an integer`)
  }
}
