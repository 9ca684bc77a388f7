/** Lists of words: tags, availability zone hints, service types of subnets. */
import { cidr, cidrOf } from './cidr.ts'
import { type Kind, listOf, noRepeats, refuse, sameText, shown } from './kind.ts'
import { textOf } from './string.ts'
import { uuid, uuidOf } from './uuid.ts'

function words(name: string, max: number, what: string, check: (word: string) => void): Kind<string[]> {
  return {
    name,
    schema: { type: 'array', items: { type: 'string', minLength: 1, maxLength: max }, uniqueItems: true },
    parse(value) {
      const list = listOf(value).map((one) => textOf(one, max))
      list.forEach(check)
      noRepeats(list, what)
      return list
    },
    filter: sameText,
  }
}

function notBlank(word: string): void {
  if (word.trim() === '') refuse(`${shown(word)} is blank`)
}

/** Neutron: type:list_of_unique_strings. */
export const uniqueStrings = (max: number): Kind<string[]> => words('unique-strings', max, 'string', notBlank)

/** Neutron: convert_none_to_empty_list, type:uuid_list. */
export const uuids: Kind<string[]> = {
  name: 'uuids',
  schema: { type: 'array', items: uuid.schema, uniqueItems: true },
  parse(value) {
    const list = listOf(value ?? []).map(uuidOf)
    noRepeats(list, 'item')
    return list
  },
  filter: sameText,
}

/** Neutron: convert_none_to_empty_list, type:subnet_list. */
export const cidrs: Kind<string[]> = {
  name: 'cidrs',
  schema: { type: 'array', items: cidr.schema, uniqueItems: true },
  parse(value) {
    const list = listOf(value ?? []).map(cidrOf)
    noRepeats(list, 'item')
    return list
  },
}

/** Neutron: type:availability_zone_hint_list. */
export const zoneHints: Kind<string[]> = words('zone-hints', 255, 'availability zone', notBlank)

const servicePrefixes = ['network:', 'neutron:', 'compute:']

/** Prefixes of device owners that a subnet is for. Neutron: type:list_of_subnet_service_types. */
export const serviceTypes: Kind<string[]> = words('service-types', 255, 'service type', (word) => {
  if (!servicePrefixes.some((prefix) => word.startsWith(prefix))) {
    refuse(`Subnet service type ${shown(word)} does not start with ${servicePrefixes.join(', ')}`)
  }
})
