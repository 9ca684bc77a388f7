/** Default policy of the Networking API: metering labels and their rules. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const meteringRules: readonly DefaultRule[] = [
  rule('create_metering_label', '(rule:admin_only) or (role:manager and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('get_metering_label', '(rule:admin_only) or (role:reader and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('delete_metering_label', '(rule:admin_only) or (role:manager and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('create_metering_label_rule', '(rule:admin_only) or (role:manager and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('get_metering_label_rule', '(rule:admin_only) or (role:reader and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('delete_metering_label_rule', '(rule:admin_only) or (role:manager and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_only' },
  }),
]
