/** Default policy of the Networking API: rules that others refer to. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const baseRules: readonly DefaultRule[] = [
  rule('context_is_admin', 'role:admin', { anyScope: true }),
  rule('context_with_global_access', '!', { anyScope: true }),
  rule('service_api', 'role:service', { anyScope: true }),
  rule('owner', 'project_id:%(project_id)s', { anyScope: true }),
  rule('admin_or_owner', 'rule:context_is_admin or rule:owner', { anyScope: true }),
  rule('context_is_advsvc', 'role:advsvc', { anyScope: true }),
  rule('admin_or_network_owner', 'rule:context_is_admin or project_id:%(network:project_id)s', {
    anyScope: true,
  }),
  rule('admin_owner_or_network_owner', 'rule:owner or rule:admin_or_network_owner', { anyScope: true }),
  rule('network_owner', 'project_id:%(network:project_id)s', { anyScope: true }),
  rule('admin_only', 'rule:context_is_admin', { anyScope: true }),
  rule('regular_user', '', { anyScope: true }),
  rule('shared', 'field:networks:shared=True', { anyScope: true }),
  rule('default', 'rule:admin_or_owner', { anyScope: true }),
  rule('admin_or_ext_parent_owner', 'rule:context_is_admin or project_id:%(ext_parent:project_id)s', {
    anyScope: true,
  }),
  rule('ext_parent_owner', 'project_id:%(ext_parent:project_id)s', { anyScope: true }),
]
