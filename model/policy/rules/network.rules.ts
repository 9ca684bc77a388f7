/** Default policy of the Networking API: networks. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const networkRules: readonly DefaultRule[] = [
  rule('external', 'field:networks:router:external=True', { anyScope: true }),
  rule('create_network', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:regular_user' },
  }),
  rule('create_network:shared', 'rule:admin_only'),
  rule('create_network:router:external', 'rule:admin_only'),
  rule('create_network:is_default', 'rule:admin_only'),
  rule(
    'create_network:port_security_enabled',
    '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    { replaces: { check: 'rule:regular_user' } },
  ),
  rule('create_network:segments', 'rule:admin_only'),
  rule('create_network:provider:network_type', 'rule:admin_only'),
  rule('create_network:provider:physical_network', 'rule:admin_only'),
  rule('create_network:provider:segmentation_id', 'rule:admin_only'),
  rule('create_network:tags', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: {
      name: 'create_networks_tags',
      check: '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    },
  }),
  rule(
    'get_network',
    '(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:service_api or rule:shared or rule:external or rule:context_is_advsvc',
    { replaces: { check: 'rule:admin_or_owner or rule:shared or rule:external or rule:context_is_advsvc' } },
  ),
  rule('get_network:segments', 'rule:admin_only'),
  rule('get_network:provider:network_type', 'rule:admin_only'),
  rule('get_network:provider:physical_network', 'rule:admin_only'),
  rule('get_network:provider:segmentation_id', 'rule:admin_only'),
  rule(
    'get_network:tags',
    '(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared or rule:external or rule:context_is_advsvc',
    {
      replaces: {
        name: 'get_networks_tags',
        check: '(rule:admin_only) or (role:reader and project_id:%(project_id)s)',
      },
    },
  ),
  rule('update_network', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('update_network:segments', 'rule:admin_only'),
  rule('update_network:shared', 'rule:admin_only'),
  rule('update_network:provider:network_type', 'rule:admin_only'),
  rule('update_network:provider:physical_network', 'rule:admin_only'),
  rule('update_network:provider:segmentation_id', 'rule:admin_only'),
  rule('update_network:router:external', 'rule:admin_only'),
  rule('update_network:is_default', 'rule:admin_only'),
  rule(
    'update_network:port_security_enabled',
    '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    { replaces: { check: 'rule:admin_or_owner' } },
  ),
  rule('update_network:tags', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: {
      name: 'update_networks_tags',
      check: '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    },
  }),
  rule('delete_network', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: { check: 'rule:admin_or_owner' },
  }),
  rule('delete_network:tags', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', {
    replaces: {
      name: 'delete_networks_tags',
      check: '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    },
  }),
]
