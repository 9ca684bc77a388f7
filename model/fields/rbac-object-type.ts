/** The kind of object that an RBAC policy is about. Whether objects of it can be shared is for the server to say. */
import { ConversionError, type Kind, sameText, shown } from './kind.ts'

const types = ['network', 'qos_policy', 'security_group', 'address_scope', 'subnetpool', 'address_group']

/** Neutron: convert_valid_object_type; null, the default, is no type either. */
export const rbacObjectType: Kind<string | null> = {
  name: 'rbac-object-type',
  schema: { enum: types },
  parse(value) {
    const type = types.find((one) => one === value)
    if (type === undefined) {
      throw new ConversionError(`${shown(value)} is not a type of objects with policies: ${types.join(', ')}`)
    }
    return type
  },
  filter: sameText,
}
