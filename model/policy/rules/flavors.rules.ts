/** Default policy of the Networking API: flavors, service profiles and providers. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const flavorRules: readonly DefaultRule[] = [
  rule('create_flavor', 'rule:admin_only'),
  rule('get_flavor', 'role:reader', { replaces: { check: 'rule:regular_user' } }),
  rule('update_flavor', 'rule:admin_only'),
  rule('delete_flavor', 'rule:admin_only'),
  rule('create_service_profile', 'rule:admin_only'),
  rule('get_service_profile', 'rule:admin_only'),
  rule('update_service_profile', 'rule:admin_only'),
  rule('delete_service_profile', 'rule:admin_only'),
  rule('get_flavor_service_profile', '(rule:admin_only) or (role:reader and project_id:%(project_id)s)', {
    replaces: { check: 'rule:regular_user' },
  }),
  rule('create_flavor_service_profile', 'rule:admin_only'),
  rule('delete_flavor_service_profile', 'rule:admin_only'),
  rule('get_service_provider', 'role:reader', { replaces: { check: 'rule:regular_user' } }),
]
