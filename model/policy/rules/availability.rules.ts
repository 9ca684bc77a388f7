/** Default policy of the Networking API: what is free, and what is made by itself. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const availabilityRules: readonly DefaultRule[] = [
  rule('get_auto_allocated_topology', '(rule:admin_only) or (role:reader and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('delete_auto_allocated_topology', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('get_network_ip_availability', '(rule:admin_only) or (rule:service_api)', {
    replaces: { check: 'rule:admin_only' },
  }),
]
