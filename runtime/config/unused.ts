/**
 * What a stock Neutron configuration holds and Nucleon does without: known, so that only slips of the pen are
 * warned about.
 */

/** Sections of other services, libraries and drivers: nothing in them is looked at. */
const sections: ReadonlySet<string> = new Set([
  'cache',
  'cors',
  'designate',
  'experimental',
  'healthcheck',
  'ironic',
  'linux_bridge',
  'ml2_sriov',
  'network_log',
  'nova',
  'oslo_concurrency',
  'oslo_messaging_amqp',
  'oslo_messaging_kafka',
  'oslo_messaging_notifications',
  'oslo_messaging_rabbit',
  'oslo_reports',
  'ovn',
  'ovs_driver',
  'placement',
  'privsep',
  'privsep_dhcp_release',
  'privsep_ovs_vsctl',
  'privsep_namespace',
  'privsep_conntrack',
  'privsep_link',
  'profiler',
  'securitygroup',
  'service_providers',
  'sriov_driver',
  'sriov_nic',
  'ssl',
  'vxlan',
])

/** Options of sections that Nucleon does look at. */
const options: Readonly<Record<string, ReadonlySet<string>>> = {
  oslo_middleware: new Set(['http_basic_auth_user_file', 'max_request_body_size']),
  DEFAULT: new Set(
    `agent_mode allow_automatic_l3agent_failover allowed_conntrack_helpers api_extensions_path api_paste_config
    api_workers auth_ca_cert backdoor_port backdoor_socket backlog bind_vlan_offset bulk_reload_interval
    cleanup_on_shutdown client_socket_timeout conn_pool_min_size conn_pool_ttl control_exchange
    default_log_levels dhcp_agent_notification dhcp_confs dhcp_domain dhcp_driver
    dhcp_load_type dnsmasq_enable_addr6_list dvr_base_mac enable_dvr
    enable_metadata_network enable_metadata_proxy enable_services_on_agents_with_admin_state_down
    enable_snat_by_default enable_traditional_dhcp executor_thread_pool_size external_dns_driver
    external_ingress_mark fatal_deprecations graceful_shutdown_timeout ha_confs_path ha_keepalived_state_change_server_threads
    ha_vrrp_advert_int ha_vrrp_auth_password ha_vrrp_auth_type ha_vrrp_health_check_interval
    handle_internal_only_routers host_dvr_for_dhcp
    http_retries instance_format instance_uuid_format interface_driver ipam_driver ipv6_gateway ipv6_pd_enabled keepalive
    keepalived_use_no_track
    l3_ha l3_ha_net_cidr l3_ha_network_physical_name l3_ha_network_type log_color log_config_append
    log_date_format log_dir log_file log_options log_rotate_interval log_rotate_interval_type log_rotation_type
    logging_context_format_string logging_debug_format_suffix logging_default_format_string
    logging_exception_prefix logging_user_identity_format max_header_line max_l3_agents_per_router
    max_logfile_count max_logfile_size_mb max_routes max_rtr_adv_interval measure_interval
    metadata_access_mark metadata_backlog metadata_port metadata_proxy_group metadata_proxy_shared_secret
    metadata_proxy_socket metadata_proxy_socket_mode metadata_proxy_user metadata_workers min_rtr_adv_interval
    network_link_prefix network_scheduler_driver notify_nova_on_port_data_changes
    notify_nova_on_port_status_changes nova_client_cert nova_client_priv_key nova_metadata_host
    nova_metadata_insecure nova_metadata_ip nova_metadata_port nova_metadata_protocol num_sync_threads
    ovs_integration_bridge ovs_use_veth periodic_fuzzy_delay periodic_interval pd_confs pd_dhcp_driver
    prefix_delegation_driver publish_errors ra_confs radvd_user rate_limit_burst rate_limit_except_level
    rate_limit_interval resync_interval resync_throttle retry_until_window router_auto_schedule
    router_distributed router_scheduler_driver rpc_conn_pool_size rpc_ping_enabled rpc_resources_processing_step
    rpc_response_max_timeout rpc_response_timeout rpc_state_report_workers rpc_workers run_external_periodic_tasks
    send_events_interval setproctitle state_path syslog_log_facility tcp_keepidle transport_url use_eventlog
    use_journal use_json use_ssl use_stderr use_syslog vendor_pen watch_log_file wsgi_default_pool_size
    wsgi_keep_alive wsgi_log_format wsgi_server_debug`.split(/\s+/),
  ),
  database: new Set(
    `sqlite_synchronous backend slave_connection mysql_sql_mode mysql_wsrep_sync_wait mysql_enable_ndb
    connection_recycle_time max_retries retry_interval max_overflow connection_debug connection_trace pool_timeout
    use_db_reconnect db_retry_interval db_inc_retry_interval db_max_retry_interval db_max_retries
    connection_parameters engine`.split(/\s+/),
  ),
  oslo_policy: new Set(
    `remote_content_type remote_ssl_verify_server_crt remote_ssl_ca_crt_file remote_ssl_client_crt_file
    remote_ssl_client_key_file remote_timeout`.split(/\s+/),
  ),
  ovs: new Set(
    `ovsdb_connection ssl_key_file ssl_cert_file ssl_ca_cert_file ovsdb_debug ovsdb_timeout bridge_mac_table_size
    igmp_snooping_enable igmp_flood igmp_flood_reports igmp_flood_unregistered resource_provider_bandwidths
    resource_provider_hypervisors resource_provider_packet_processing_without_direction
    resource_provider_packet_processing_with_direction resource_provider_default_hypervisor
    resource_provider_inventory_defaults resource_provider_packet_processing_inventory_defaults
    vhostuser_socket_dir of_listen_address of_listen_port of_connect_timeout of_request_timeout
    of_inactivity_probe openflow_processed_per_port disable_packet_marking qos_meter_bandwidth`.split(/\s+/),
  ),
  agent: new Set(
    `root_helper root_helper_daemon use_helper_for_ns_read log_agent_heartbeats comment_iptables_rules
    debug_iptables_rules use_random_fully check_child_processes_action check_child_processes_interval
    kill_scripts_path polling_interval quitting_rpc_timeout dscp dscp_inherit minimize_polling
    ovsdb_monitor_respawn_interval veth_mtu enable_distributed_routing drop_flows_on_start baremetal_smartnic
    explicitly_egress_direct prevent_arp_spoofing`.split(/\s+/),
  ),
  keystone_authtoken: new Set(
    `auth_uri auth_type auth_section auth_version cache cafile certfile delay_auth_decision enforce_token_bind
    http_connect_timeout http_request_max_retries include_service_catalog insecure interface keyfile
    memcache_pool_conn_get_timeout memcache_pool_dead_retry memcache_pool_maxsize memcache_pool_socket_timeout
    memcache_pool_unused_timeout memcache_secret_key memcache_security_strategy memcache_use_advanced_pool
    memcache_sasl_enabled memcached_servers region_name service_token_roles service_token_roles_required
    service_type admin_user admin_password admin_tenant_name user_id project_id system_scope domain_id domain_name
    trust_id`.split(/\s+/),
  ),
  ml2: new Set(['supported_pci_vendor_devs']),
}

/** True for an option, or any option of a section, that a stock configuration may hold and nobody here reads. */
export function isUnused(section: string, name: string): boolean {
  return (
    sections.has(section) ||
    options[section]?.has(name) === true ||
    // quota_RESOURCE exists for every resource, also for those of plugins that are not loaded.
    (section === 'quotas' && /^(quota_\w+|track_quota_usage)$/.test(name))
  )
}
