/** Default policy of the Networking API: local IPs and their associations. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const localIpRules: readonly DefaultRule[] = [
  rule('create_local_ip', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:regular_user' },
  }),
  rule('get_local_ip', '(rule:admin_only) or (role:reader and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('update_local_ip', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('delete_local_ip', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('create_local_ip_port_association', '(rule:admin_only) or (role:member and rule:ext_parent_owner)', {
    replaces: { check: 'rule:admin_or_ext_parent_owner' },
  }),
  rule('get_local_ip_port_association', '(rule:admin_only) or (role:reader and rule:ext_parent_owner)', {
    replaces: { check: 'rule:admin_or_ext_parent_owner' },
  }),
  rule('delete_local_ip_port_association', '(rule:admin_only) or (role:member and rule:ext_parent_owner)', {
    replaces: { check: 'rule:admin_or_ext_parent_owner' },
  }),
]
