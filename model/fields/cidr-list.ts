/** Several network prefixes, each in canonical text form. */
import { cidrOf } from './cidr.ts'
import { type Kind, listOf, noRepeats } from './kind.ts'

/** Neutron: type:subnet_list. */
export const cidrList: Kind<string[]> = {
  name: 'cidr-list',
  schema: {
    type: 'array',
    items: { type: 'string', pattern: '^[0-9a-fA-F.:]+/[0-9]{1,3}$' },
    uniqueItems: true,
  },
  parse(value) {
    const list = listOf(value).map(cidrOf)
    noRepeats(list, 'prefix')
    return list
  },
}
