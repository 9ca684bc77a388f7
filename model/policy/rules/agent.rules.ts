/** Default policy of the Networking API: agents, dhcp scheduling, availability zones. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const agentRules: readonly DefaultRule[] = [
  rule('create_agent', 'rule:admin_only'),
  rule('get_agent', 'rule:admin_only'),
  rule('update_agent', 'rule:admin_only'),
  rule('delete_agent', 'rule:admin_only'),
  rule('create_dhcp-network', 'rule:admin_only'),
  rule('get_dhcp-networks', 'rule:admin_only'),
  rule('delete_dhcp-network', 'rule:admin_only'),
  rule('get_dhcp-agents', 'rule:admin_only'),
  rule('get_availability_zone', 'role:reader', { replaces: { check: 'rule:regular_user' } }),
]
