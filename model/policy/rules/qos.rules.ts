/** Default policy of the Networking API: QoS policies and their rules. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const qosPolicyRules: readonly DefaultRule[] = [
  rule('shared_qos_policy', 'field:policies:shared=True', { anyScope: true }),
  rule(
    'get_policy',
    '(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_qos_policy',
    { replaces: { check: 'rule:regular_user' } },
  ),
  rule('create_policy', '(rule:admin_only) or (role:manager and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('update_policy', '(rule:admin_only) or (role:manager and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('delete_policy', '(rule:admin_only) or (role:manager and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule(
    'get_policy:tags',
    '(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_qos_policy',
    {
      replaces: {
        name: 'get_policies_tags',
        check: '(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_qos_policy',
      },
    },
  ),
  rule('create_policy:tags', '(rule:admin_only) or (role:manager and project_id:%(project_id)s)', {
    replaces: {
      name: 'create_policies_tags',
      check: '(rule:admin_only) or (role:manager and project_id:%(project_id)s)',
    },
  }),
  rule('update_policy:tags', '(rule:admin_only) or (role:manager and project_id:%(project_id)s)', {
    replaces: {
      name: 'update_policies_tags',
      check: '(rule:admin_only) or (role:manager and project_id:%(project_id)s)',
    },
  }),
  rule('delete_policy:tags', '(rule:admin_only) or (role:manager and project_id:%(project_id)s)', {
    replaces: {
      name: 'delete_policies_tags',
      check: '(rule:admin_only) or (role:manager and project_id:%(project_id)s)',
    },
  }),
  rule('get_rule_type', 'role:reader', { replaces: { check: 'rule:regular_user' } }),
  rule('get_policy_bandwidth_limit_rule', '(rule:admin_only) or (role:reader and rule:ext_parent_owner)', {
    replaces: { check: 'rule:regular_user' },
  }),
  rule(
    'create_policy_bandwidth_limit_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    { replaces: { check: 'rule:admin_only' } },
  ),
  rule(
    'update_policy_bandwidth_limit_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    { replaces: { check: 'rule:admin_only' } },
  ),
  rule(
    'delete_policy_bandwidth_limit_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    { replaces: { check: 'rule:admin_only' } },
  ),
  rule('get_policy_packet_rate_limit_rule', '(rule:admin_only) or (role:reader and rule:ext_parent_owner)'),
  rule(
    'create_policy_packet_rate_limit_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
  ),
  rule(
    'update_policy_packet_rate_limit_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
  ),
  rule(
    'delete_policy_packet_rate_limit_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
  ),
  rule('get_policy_dscp_marking_rule', '(rule:admin_only) or (role:reader and rule:ext_parent_owner)', {
    replaces: { check: 'rule:regular_user' },
  }),
  rule('create_policy_dscp_marking_rule', '(rule:admin_only) or (role:manager and rule:ext_parent_owner)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('update_policy_dscp_marking_rule', '(rule:admin_only) or (role:manager and rule:ext_parent_owner)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('delete_policy_dscp_marking_rule', '(rule:admin_only) or (role:manager and rule:ext_parent_owner)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('get_policy_minimum_bandwidth_rule', '(rule:admin_only) or (role:reader and rule:ext_parent_owner)', {
    replaces: { check: 'rule:regular_user' },
  }),
  rule(
    'create_policy_minimum_bandwidth_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    { replaces: { check: 'rule:admin_only' } },
  ),
  rule(
    'update_policy_minimum_bandwidth_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    { replaces: { check: 'rule:admin_only' } },
  ),
  rule(
    'delete_policy_minimum_bandwidth_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    { replaces: { check: 'rule:admin_only' } },
  ),
  rule('get_policy_minimum_packet_rate_rule', '(rule:admin_only) or (role:reader and rule:ext_parent_owner)'),
  rule(
    'create_policy_minimum_packet_rate_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
  ),
  rule(
    'update_policy_minimum_packet_rate_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
  ),
  rule(
    'delete_policy_minimum_packet_rate_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
  ),
  rule('get_alias_bandwidth_limit_rule', '(rule:admin_only) or (role:reader and rule:ext_parent_owner)', {
    replaces: { check: 'rule:regular_user' },
  }),
  rule('update_alias_bandwidth_limit_rule', '(rule:admin_only) or (role:manager and rule:ext_parent_owner)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('delete_alias_bandwidth_limit_rule', '(rule:admin_only) or (role:manager and rule:ext_parent_owner)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('get_alias_dscp_marking_rule', '(rule:admin_only) or (role:reader and rule:ext_parent_owner)', {
    replaces: { check: 'rule:regular_user' },
  }),
  rule('update_alias_dscp_marking_rule', '(rule:admin_only) or (role:manager and rule:ext_parent_owner)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('delete_alias_dscp_marking_rule', '(rule:admin_only) or (role:manager and rule:ext_parent_owner)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('get_alias_minimum_bandwidth_rule', '(rule:admin_only) or (role:reader and rule:ext_parent_owner)', {
    replaces: { check: 'rule:regular_user' },
  }),
  rule(
    'update_alias_minimum_bandwidth_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    { replaces: { check: 'rule:admin_only' } },
  ),
  rule(
    'delete_alias_minimum_bandwidth_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    { replaces: { check: 'rule:admin_only' } },
  ),
  rule('get_alias_minimum_packet_rate_rule', 'rule:get_policy_minimum_packet_rate_rule'),
  rule('update_alias_minimum_packet_rate_rule', 'rule:update_policy_minimum_packet_rate_rule'),
  rule('delete_alias_minimum_packet_rate_rule', 'rule:delete_policy_minimum_packet_rate_rule'),
]
