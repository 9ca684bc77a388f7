/** Default policy of the Networking API: quotas. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const quotaRules: readonly DefaultRule[] = [
  rule('get_quota', '(rule:admin_only) or (role:manager and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('update_quota', 'rule:admin_only'),
  rule('delete_quota', 'rule:admin_only'),
]
