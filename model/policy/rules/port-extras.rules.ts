/** Default policy of the Networking API: attributes of ports that are kept. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const portExtrasRules: readonly DefaultRule[] = [
  rule('admin_or_data_plane_int', 'rule:context_is_admin or role:data_plane_integrator', { anyScope: true }),
  rule('create_port:hints', 'rule:admin_only'),
  rule('create_port:trusted', 'rule:admin_only'),
  rule('get_port:resource_request', 'rule:admin_only'),
  rule('get_port:hints', 'rule:admin_only'),
  rule('get_port:trusted', 'rule:admin_only'),
  rule('update_port:data_plane_status', 'rule:admin_only or role:data_plane_integrator', {
    replaces: { check: 'rule:admin_or_data_plane_int' },
  }),
  rule('update_port:hints', 'rule:admin_only'),
  rule('update_port:trusted', 'rule:admin_only'),
]
