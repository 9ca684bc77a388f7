/** Default policy of the Networking API: address groups. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const addressGroupRules: readonly DefaultRule[] = [
  rule('shared_address_groups', 'field:address_groups:shared=True', { anyScope: true }),
  rule('create_address_group', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:regular_user' },
  }),
  rule(
    'get_address_group',
    '(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_address_groups',
    { replaces: { check: 'rule:admin_or_owner or rule:shared_address_groups' } },
  ),
  rule('add_addresses', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('remove_addresses', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('update_address_group', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('delete_address_group', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
]
