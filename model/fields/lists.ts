/** Lists of words: tags, availability zone hints, service types of subnets. */
import { type Kind, listOf, noRepeats, refuse, sameText, shown } from './kind.ts'
import { textOf } from './string.ts'

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

/** Neutron: type:availability_zone_hint_list. */
export const zoneHints: Kind<string[]> = words('zone-hints', 255, 'availability zone', notBlank)

const servicePrefixes = ['network:', 'neutron:', 'compute:']

/** Prefixes of device owners that a subnet is for. Neutron: type:list_of_subnet_service_types. */
export const serviceTypes: Kind<string[]> = words('service-types', 255, 'service type', (word) => {
  if (!servicePrefixes.some((prefix) => word.startsWith(prefix))) {
    refuse(`Subnet service type ${shown(word)} does not start with ${servicePrefixes.join(', ')}`)
  }
})
