/** Default policy of the Networking API: bindings of a port (binding-extended). */
import { type DefaultRule, rule } from '../default-rule.ts'

export const bindingRules: readonly DefaultRule[] = [
  rule('get_port_binding', '(rule:admin_only) or (rule:service_api)'),
  rule('create_port_binding', 'rule:service_api'),
  rule('delete_port_binding', 'rule:service_api'),
  rule('activate', 'rule:service_api'),
]
