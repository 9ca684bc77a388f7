/** Default policy of the Networking API: ports. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const portRules: readonly DefaultRule[] = [
  rule('network_device', 'field:port:device_owner=~^network:', { anyScope: true }),
  rule(
    'create_port',
    '(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner or rule:shared',
    { replaces: { check: 'rule:regular_user' } },
  ),
  rule(
    'create_port:device_id',
    '(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:service_api',
    { replaces: { check: 'rule:regular_user' } },
  ),
  rule(
    'create_port:device_owner',
    'not rule:network_device or (rule:admin_only) or (rule:service_api) or role:member and rule:network_owner',
    {
      replaces: { check: 'not rule:network_device or rule:context_is_advsvc or rule:admin_or_network_owner' },
    },
  ),
  rule(
    'create_port:mac_address',
    '(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner',
    { replaces: { check: 'rule:context_is_advsvc or rule:admin_or_network_owner' } },
  ),
  rule(
    'create_port:fixed_ips',
    '(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner or rule:shared',
    { replaces: { check: 'rule:context_is_advsvc or rule:admin_or_network_owner or rule:shared' } },
  ),
  rule(
    'create_port:fixed_ips:ip_address',
    '(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner',
    { replaces: { check: 'rule:context_is_advsvc or rule:admin_or_network_owner' } },
  ),
  rule(
    'create_port:fixed_ips:subnet_id',
    '(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner or rule:shared',
    { replaces: { check: 'rule:context_is_advsvc or rule:admin_or_network_owner or rule:shared' } },
  ),
  rule(
    'create_port:port_security_enabled',
    '(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner',
    { replaces: { check: 'rule:context_is_advsvc or rule:admin_or_network_owner' } },
  ),
  rule('create_port:binding:host_id', '(rule:admin_only) or (rule:service_api)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('create_port:binding:profile', 'rule:service_api', { replaces: { check: 'rule:admin_only' } }),
  rule(
    'create_port:binding:vnic_type',
    '(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:service_api',
    { replaces: { check: 'rule:regular_user' } },
  ),
  rule(
    'create_port:allowed_address_pairs',
    '(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api',
    { replaces: { check: 'rule:admin_or_network_owner' } },
  ),
  rule(
    'create_port:allowed_address_pairs:mac_address',
    '(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api',
    { replaces: { check: 'rule:admin_or_network_owner' } },
  ),
  rule(
    'create_port:allowed_address_pairs:ip_address',
    '(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api',
    { replaces: { check: 'rule:admin_or_network_owner' } },
  ),
  rule(
    'create_port:tags',
    '(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:context_is_advsvc',
    {
      replaces: {
        name: 'create_ports_tags',
        check: '(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:context_is_advsvc',
      },
    },
  ),
  rule(
    'get_port',
    '(rule:admin_only) or (rule:service_api) or role:reader and rule:network_owner or role:reader and project_id:%(project_id)s',
    { replaces: { check: 'rule:context_is_advsvc or rule:admin_owner_or_network_owner' } },
  ),
  rule('get_port:binding:vif_type', '(rule:admin_only) or (rule:service_api)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('get_port:binding:vif_details', '(rule:admin_only) or (rule:service_api)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('get_port:binding:host_id', '(rule:admin_only) or (rule:service_api)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('get_port:binding:profile', '(rule:admin_only) or (rule:service_api)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule(
    'get_port:tags',
    'rule:context_is_advsvc or (rule:admin_only) or (role:reader and rule:network_owner) or role:reader and project_id:%(project_id)s',
    {
      replaces: {
        name: 'get_ports_tags',
        check:
          'rule:context_is_advsvc or (rule:admin_only) or (role:reader and rule:network_owner) or role:reader and project_id:%(project_id)s',
      },
    },
  ),
  rule(
    'update_port',
    '(rule:admin_only) or (rule:service_api) or role:member and project_id:%(project_id)s',
    { replaces: { check: 'rule:admin_or_owner or rule:context_is_advsvc' } },
  ),
  rule(
    'update_port:device_id',
    '(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:service_api',
    { replaces: { check: 'rule:regular_user' } },
  ),
  rule(
    'update_port:device_owner',
    'not rule:network_device or (rule:admin_only) or (rule:service_api) or role:member and rule:network_owner',
    {
      replaces: { check: 'not rule:network_device or rule:context_is_advsvc or rule:admin_or_network_owner' },
    },
  ),
  rule(
    'update_port:mac_address',
    '(rule:admin_only) or (rule:service_api) or role:manager and rule:network_owner',
    { replaces: { check: 'rule:admin_only or rule:context_is_advsvc' } },
  ),
  rule(
    'update_port:fixed_ips',
    '(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner',
    { replaces: { check: 'rule:context_is_advsvc or rule:admin_or_network_owner' } },
  ),
  rule(
    'update_port:fixed_ips:ip_address',
    '(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner',
    { replaces: { check: 'rule:context_is_advsvc or rule:admin_or_network_owner' } },
  ),
  rule(
    'update_port:fixed_ips:subnet_id',
    '(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner or rule:shared',
    { replaces: { check: 'rule:context_is_advsvc or rule:admin_or_network_owner or rule:shared' } },
  ),
  rule(
    'update_port:port_security_enabled',
    '(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner',
    { replaces: { check: 'rule:context_is_advsvc or rule:admin_or_network_owner' } },
  ),
  rule('update_port:binding:host_id', '(rule:admin_only) or (rule:service_api)', {
    replaces: { check: 'rule:admin_only' },
  }),
  rule('update_port:binding:profile', 'rule:service_api', { replaces: { check: 'rule:admin_only' } }),
  rule(
    'update_port:binding:vnic_type',
    '(rule:admin_only) or (rule:service_api) or role:member and project_id:%(project_id)s',
    { replaces: { check: 'rule:admin_or_owner or rule:context_is_advsvc' } },
  ),
  rule(
    'update_port:allowed_address_pairs',
    '(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api',
    { replaces: { check: 'rule:admin_or_network_owner' } },
  ),
  rule(
    'update_port:allowed_address_pairs:mac_address',
    '(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api',
    { replaces: { check: 'rule:admin_or_network_owner' } },
  ),
  rule(
    'update_port:allowed_address_pairs:ip_address',
    '(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api',
    { replaces: { check: 'rule:admin_or_network_owner' } },
  ),
  rule(
    'update_port:tags',
    '(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:context_is_advsvc',
    {
      replaces: {
        name: 'update_ports_tags',
        check: '(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:context_is_advsvc',
      },
    },
  ),
  rule(
    'delete_port',
    '(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner or role:member and project_id:%(project_id)s',
    { replaces: { check: 'rule:context_is_advsvc or rule:admin_owner_or_network_owner' } },
  ),
  rule(
    'delete_port:tags',
    'rule:context_is_advsvc or role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)',
    {
      replaces: {
        name: 'delete_ports_tags',
        check:
          'rule:context_is_advsvc or role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)',
      },
    },
  ),
]
