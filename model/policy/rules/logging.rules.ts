/** Default policy of the Networking API: logging resources. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const loggingRules: readonly DefaultRule[] = [
  rule('get_loggable_resource', '(rule:admin_only) or (role:manager and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('create_log', '(rule:admin_only) or (role:manager and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('get_log', '(rule:admin_only) or (role:manager and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('update_log', '(rule:admin_only) or (role:manager and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('delete_log', '(rule:admin_only) or (role:manager and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_only' },
  }),
]
