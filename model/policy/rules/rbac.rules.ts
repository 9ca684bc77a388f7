/** Default policy of the Networking API: RBAC policies. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const rbacRules: readonly DefaultRule[] = [
  rule(
    'restrict_wildcard',
    '(not field:rbac_policy:target_tenant=* and not field:rbac_policy:target_project=*) or rule:admin_only',
    { anyScope: true },
  ),
  rule('create_rbac_policy', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:regular_user' },
  }),
  rule(
    'create_rbac_policy:target_tenant',
    'rule:admin_only or (not field:rbac_policy:target_tenant=* and not field:rbac_policy:target_project=*)',
    { replaces: { check: 'rule:restrict_wildcard' } },
  ),
  rule('create_rbac_policy:target_project', 'rule:admin_only or not field:rbac_policy:target_project=*'),
  rule('update_rbac_policy', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule(
    'update_rbac_policy:target_tenant',
    'rule:admin_only or (not field:rbac_policy:target_tenant=* and not field:rbac_policy:target_project=*)',
    { replaces: { check: 'rule:restrict_wildcard and rule:admin_or_owner' } },
  ),
  rule('update_rbac_policy:target_project', 'rule:admin_only or not field:rbac_policy:target_project=*'),
  rule('get_rbac_policy', '(rule:admin_only) or (role:reader and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('delete_rbac_policy', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
]
