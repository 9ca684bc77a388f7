/**
 * Faults of the Networking API: one class, and a catalogue of constructors, a line a fault. `type` is the name that
 * clients match on, `status` the HTTP status; server/api turns them into `{"NeutronError": {…}}` once.
 */

/** A fault that a client is told of. Everything else that is thrown is a defect and answered 500. */
export class NeutronError extends Error {
  readonly type: string
  readonly status: number
  readonly detail: string

  constructor(type: string, status: number, message: string, detail = '') {
    super(message)
    this.name = type
    this.type = type
    this.status = status
    this.detail = detail
  }
}

/** A row of the catalogue: type, status and how its message is built from the facts. */
function fault<A extends unknown[]>(
  type: string,
  status: number,
  message: (...facts: A) => string,
): (...facts: A) => NeutronError {
  return (...facts) => new NeutronError(type, status, message(...facts))
}

// Requests.
export const badRequest = fault('HTTPBadRequest', 400, (message: string) => message)
export const invalidInput = fault(
  'InvalidInput',
  400,
  (reason: string) => `Invalid input for operation: ${reason}.`,
)
export const badResourceRequest = fault(
  'BadRequest',
  400,
  (resource: string, message: string) => `Bad ${resource} request: ${message}.`,
)
export const httpNotFound = fault(
  'HTTPNotFound',
  404,
  (message: string = 'The resource could not be found.') => message,
)
export const httpForbidden = fault(
  'HTTPForbidden',
  403,
  (message: string = 'Access was denied to this resource.') => message,
)
export const methodNotAllowed = fault(
  'HTTPMethodNotAllowed',
  405,
  (method: string) => `The method ${method} is not allowed for this resource.`,
)
export const requestUriTooLong = fault(
  'HTTPRequestURITooLong',
  414,
  (limit: number) => `The path and query of the request are longer than ${limit} characters.`,
)
export const bodyTooLarge = fault(
  'HTTPRequestEntityTooLarge',
  413,
  () => 'The body of the request is too large.',
)
export const notImplemented = fault(
  'HTTPNotImplemented',
  501,
  (what: string) => `${what} is not implemented.`,
)
export const serviceUnavailable = fault(
  'ServiceUnavailable',
  503,
  () => 'The service is unavailable at the moment: try again later.',
)
export const internalServerError = fault(
  'HTTPInternalServerError',
  500,
  () =>
    'Request failed: internal server error. The cause is in the log of the server, under the id of the request.',
)
export const revisionNumberConstraintFailed = fault(
  'RevisionNumberConstraintFailed',
  412,
  (expected: number, found: number | string) =>
    `Constrained to revision_number ${expected}, but the current revision is ${found}.`,
)
export const policyNotAuthorized = fault(
  'PolicyNotAuthorized',
  403,
  (rule: string) => `rule:${rule} is disallowed by policy`,
)
export const tenantIdProjectIdFilterConflict = fault(
  'TenantIdProjectIdFilterConflict',
  400,
  () => 'Filters tenant_id and project_id must have the same value when both are given.',
)
export const overQuota = fault(
  'OverQuota',
  409,
  // A Python list, as clients match it.
  (resources: readonly string[]) =>
    `Quota exceeded for resources: [${resources.map((one) => `'${one}'`).join(', ')}].`,
)
export const tenantQuotaNotFound = fault(
  'TenantQuotaNotFound',
  404,
  (project: string) => `Quota for project ${project} could not be found.`,
)
export const quotaMissingTenant = fault(
  'QuotaMissingTenant',
  400,
  () => 'The token has no project, and so no quotas.',
)
export const conflict = fault('Conflict', 409, (message: string) => message)
export const rbacPolicyNotFound = fault(
  'RbacPolicyNotFound',
  404,
  (id: string) => `RBAC policy ${id} could not be found.`,
)
export const rbacPolicyInUse = fault(
  'RbacPolicyInUse',
  409,
  (object: string, details: string) =>
    `RBAC policy on object ${object} cannot be removed because other objects depend on it: ${details}.`,
)
export const duplicateRbacPolicy = fault(
  'DuplicateRbacPolicy',
  409,
  () => 'An RBAC policy already exists with those values.',
)
export const invalidActionForType = fault(
  'InvalidActionForType',
  400,
  (action: string, type: string, valid: string) =>
    `Invalid action '${action}' for object type '${type}'. Valid actions: ${valid}.`,
)
export const invalidSharedSetting = fault(
  'InvalidSharedSetting',
  409,
  (network: string) => `Network ${network} cannot stop being shared: other projects use it.`,
)
export const defaultExternalNetworkExists = fault(
  'DefaultExternalNetworkExists',
  409,
  (id: string) => `Network ${id} is the default external network: there can be no other.`,
)
export const autoAllocationFailure = fault(
  'AutoAllocationFailure',
  409,
  (reason: string) => `Deployment error: ${reason}.`,
)
export const externalNetworkInUse = fault(
  'ExternalNetworkInUse',
  409,
  (id: string) => `Network ${id} cannot stop being external: gateway ports use it.`,
)

// Networks and segments.
export const networkNotFound = fault(
  'NetworkNotFound',
  404,
  (id: string) => `Network ${id} could not be found.`,
)
export const networkInUse = fault(
  'NetworkInUse',
  409,
  (id: string, reason = 'There are one or more ports still in use on the network') =>
    `Unable to complete operation on network ${id}: ${reason}.`,
)
export const noNetworkAvailable = fault(
  'NoNetworkAvailable',
  503,
  () => 'Unable to create the network: no project network is available for allocation.',
)
export const vlanIdInUse = fault(
  'VlanIdInUse',
  409,
  (vlan: number, physicalNetwork: string) =>
    `Unable to create the network: VLAN ${vlan} on physical network ${physicalNetwork} is in use.`,
)
export const flatNetworkInUse = fault(
  'FlatNetworkInUse',
  409,
  (physicalNetwork: string) =>
    `Unable to create the flat network: physical network ${physicalNetwork} is in use.`,
)
export const tunnelIdInUse = fault(
  'TunnelIdInUse',
  409,
  (id: number) => `Unable to create the network: tunnel id ${id} is in use.`,
)
export const segmentNotFound = fault(
  'SegmentNotFound',
  404,
  (id: string) => `Segment ${id} could not be found.`,
)
export const segmentInUse = fault(
  'SegmentInUse',
  409,
  (id: string, reason: string) => `Segment '${id}' cannot be deleted: ${reason}.`,
)
export const subnetsNotAllAssociatedWithSegments = fault(
  'SubnetsNotAllAssociatedWithSegments',
  400,
  (network: string) => `Either all subnets of network '${network}' are of segments, or none is.`,
)
export const networkIdsDontMatch = fault(
  'NetworkIdsDontMatch',
  400,
  (network: string, segment: string) =>
    `The subnet is of network '${network}', and segment '${segment}' of another.`,
)
export const noUpdateSubnetWhenMultipleSegmentsOnNetwork = fault(
  'NoUpdateSubnetWhenMultipleSegmentsOnNetwork',
  400,
  (network: string) =>
    `The network '${network}' has several segments: its subnet cannot be given to one of them any more.`,
)
export const subnetSegmentAssociationChangeNotAllowed = fault(
  'SubnetSegmentAssociationChangeNotAllowed',
  400,
  () => 'A subnet that is of a segment stays with it.',
)
export const hostConnectedToMultipleSegments = fault(
  'HostConnectedToMultipleSegments',
  409,
  (host: string, network: string) =>
    `Host ${host} is connected to several segments of the routed provider network '${network}': it should be to one.`,
)
export const hostNotConnectedToAnySegment = fault(
  'HostNotConnectedToAnySegment',
  409,
  (host: string, network: string) =>
    `Host ${host} is connected to no segment of the routed provider network '${network}': it should be to one.`,
)
export const hostNotCompatibleWithFixedIps = fault(
  'HostNotCompatibleWithFixedIps',
  409,
  (host: string, port: string) =>
    `Host ${host} is not connected to the segment of the addresses that port ${port} has.`,
)
export const fixedIpsSubnetsNotOnSameSegment = fault(
  'FixedIpsSubnetsNotOnSameSegment',
  400,
  () => 'The subnets of all fixed addresses of a port must be of the same segment.',
)
export const networkSegmentRangeDefaultReadOnly = fault(
  'NetworkSegmentRangeDefaultReadOnly',
  400,
  (id: string) =>
    `Network segment range ${id} is of the configuration: it can be neither changed nor deleted.`,
)
export const networkSegmentRangeNetTypeNotSupported = fault(
  'NetworkSegmentRangeNetTypeNotSupported',
  400,
  (type: string) => `There are no network segment ranges of network type '${type}'.`,
)
export const networkSegmentRangeOverlaps = fault(
  'NetworkSegmentRangeOverlaps',
  409,
  (ids: string) => `The network segment range overlaps with ${ids}.`,
)
export const networkSegmentRangeReferencedByProject = fault(
  'NetworkSegmentRangeReferencedByProject',
  409,
  (id: string) => `Networks have segments of the network segment range ${id}.`,
)
/** Neutron answers 500, which a wrong number is not. */
const rangeError = (type: string) =>
  fault(
    type,
    400,
    (minimum: number, maximum: number, least: number, most: number) =>
      `Invalid network segment range ${minimum} to ${maximum}: it must lie within ${least} to ${most}.`,
  )
export const networkVlanRangeError = rangeError('NetworkVlanRangeError')
export const networkTunnelRangeError = rangeError('NetworkTunnelRangeError')
export const availabilityZoneNotFound = fault(
  'AvailabilityZoneNotFound',
  404,
  (zone: string) => `Availability zone ${zone} could not be found.`,
)

// Subnets and addresses.
export const subnetNotFound = fault('SubnetNotFound', 404, (id: string) => `Subnet ${id} could not be found.`)
export const subnetInUse = fault(
  'SubnetInUse',
  409,
  (id: string, reason = 'one or more ports have an IP allocation from this subnet') =>
    `Unable to complete operation on subnet ${id}: ${reason}.`,
)
export const invalidAllocationPool = fault(
  'InvalidAllocationPool',
  400,
  (pool: string) => `The allocation pool ${pool} is not valid.`,
)
export const outOfBoundsAllocationPool = fault(
  'OutOfBoundsAllocationPool',
  400,
  (pool: string, cidr: string) => `The allocation pool ${pool} spans beyond the subnet ${cidr}.`,
)
export const overlappingAllocationPools = fault(
  'OverlappingAllocationPools',
  409,
  (one: string, other: string, cidr: string) =>
    `Allocation pools ${one} and ${other} of subnet ${cidr} overlap.`,
)
export const gatewayConflictWithAllocationPools = fault(
  'GatewayConflictWithAllocationPools',
  409,
  (address: string, pool: string) => `Gateway address ${address} lies inside the allocation pool ${pool}.`,
)
export const gatewayIpInUse = fault(
  'GatewayIpInUse',
  409,
  (address: string, port: string) => `Gateway address ${address} is in use by port ${port}.`,
)
export const dnsNameServersExhausted = fault(
  'DNSNameServersExhausted',
  400,
  (subnet: string, limit: number) => `Subnet ${subnet}: more than ${limit} DNS name servers.`,
)
export const hostRoutesExhausted = fault(
  'HostRoutesExhausted',
  400,
  (subnet: string, limit: number) => `Subnet ${subnet}: more than ${limit} host routes.`,
)
export const ipAddressAlreadyAllocated = fault(
  'IpAddressAlreadyAllocated',
  409,
  (address: string, subnet: string) => `IP address ${address} is already allocated in subnet ${subnet}.`,
)
export const ipAddressGenerationFailure = fault(
  'IpAddressGenerationFailure',
  409,
  (network: string) => `No more IP addresses available on network ${network}.`,
)
export const ipAddressGenerationFailureNoMatchingSubnet = fault(
  'IpAddressGenerationFailureNoMatchingSubnet',
  409,
  (network: string, serviceType: string) =>
    `No more IP addresses available on network ${network}: no subnet fits the service type ${serviceType}.`,
)
export const invalidIpForNetwork = fault(
  'InvalidIpForNetwork',
  400,
  (address: string) => `IP address ${address} is not in any subnet of the network.`,
)
export const invalidIpForSubnet = fault(
  'InvalidIpForSubnet',
  400,
  (address: string) => `IP address ${address} is not a valid address of the subnet.`,
)

// Ports and bindings.
export const portNotFound = fault('PortNotFound', 404, (id: string) => `Port ${id} could not be found.`)
export const portInUse = fault(
  'PortInUse',
  409,
  (port: string, network: string, device: string) =>
    `Unable to complete operation on port ${port} of network ${network}: device ${device} uses it.`,
)
export const macAddressInUse = fault(
  'MacAddressInUse',
  409,
  (network: string, mac: string) =>
    `Unable to complete operation for network ${network}: the MAC address ${mac} is in use.`,
)
export const allowedAddressPairExhausted = fault(
  'AllowedAddressPairExhausted',
  400,
  (limit: number) => `The number of allowed address pairs exceeds the maximum of ${limit}.`,
)
export const duplicateAddressPairInRequest = fault(
  'DuplicateAddressPairInRequest',
  400,
  (mac: string, address: string) => `The request repeats the address pair ${mac}, ${address}.`,
)
export const addressPairAndPortSecurityRequired = fault(
  'AddressPairAndPortSecurityRequired',
  409,
  () => 'Port security must be enabled for allowed address pairs.',
)
export const portBindingNotFound = fault(
  'PortBindingNotFound',
  404,
  (port: string, host: string) => `Binding of port ${port} on host ${host} could not be found.`,
)
export const portBindingAlreadyExists = fault(
  'PortBindingAlreadyExists',
  409,
  (port: string, host: string) => `Binding of port ${port} on host ${host} exists already.`,
)
export const portBindingAlreadyActive = fault(
  'PortBindingAlreadyActive',
  409,
  (port: string, host: string) => `Binding of port ${port} on host ${host} is active already.`,
)
export const portBindingError = fault(
  'PortBindingError',
  500,
  (port: string, host: string) => `Binding of port ${port} on host ${host} failed.`,
)

// Agents.
export const invalidDhcpAgent = fault(
  'InvalidDHCPAgent',
  404,
  (id: string) => `Agent ${id} is not a valid DHCP agent or is disabled.`,
)
export const networkHostedByDhcpAgent = fault(
  'NetworkHostedByDHCPAgent',
  409,
  (network: string, agent: string) => `Network ${network} is already hosted by the DHCP agent ${agent}.`,
)
export const networkNotHostedByDhcpAgent = fault(
  'NetworkNotHostedByDhcpAgent',
  409,
  (network: string, agent: string) => `Network ${network} is not hosted by the DHCP agent ${agent}.`,
)

// Tags.
export const tagNotFound = fault('TagNotFound', 404, (tag: string) => `Tag ${tag} could not be found.`)
export const tagResourceNotFound = fault(
  'TagResourceNotFound',
  404,
  (resource: string, id: string) => `Resource ${resource} ${id} could not be found.`,
)

// Subnet pools and address scopes.
export const subnetPoolNotFound = fault(
  'SubnetPoolNotFound',
  404,
  (id: string) => `Subnet pool ${id} could not be found.`,
)
export const subnetPoolDeleteError = fault(
  'SubnetPoolDeleteError',
  400,
  (reason: string) => `Unable to delete subnet pool: ${reason}.`,
)
export const subnetPoolQuotaExceeded = fault(
  'SubnetPoolQuotaExceeded',
  409,
  () => 'Per-project subnet pool prefix quota exceeded.',
)
/** Neutron answers 500, which a full pool is not. */
export const subnetAllocationError = fault(
  'SubnetAllocationError',
  409,
  (reason: string) => `Failed to allocate subnet: ${reason}.`,
)
export const minPrefixSubnetAllocationError = fault(
  'MinPrefixSubnetAllocationError',
  400,
  (prefixlen: number, least: number) =>
    `Unable to allocate subnet with prefix length ${prefixlen}, minimum allowed prefix is ${least}.`,
)
export const maxPrefixSubnetAllocationError = fault(
  'MaxPrefixSubnetAllocationError',
  400,
  (prefixlen: number, most: number) =>
    `Unable to allocate subnet with prefix length ${prefixlen}, maximum allowed prefix is ${most}.`,
)
export const emptySubnetPoolPrefixList = fault(
  'EmptySubnetPoolPrefixList',
  400,
  () => 'Empty subnet pool prefix list.',
)
export const prefixVersionMismatch = fault(
  'PrefixVersionMismatch',
  400,
  () => 'Cannot mix IPv4 and IPv6 prefixes in a subnet pool.',
)
export const illegalSubnetPoolPrefixBounds = fault(
  'IllegalSubnetPoolPrefixBounds',
  400,
  (name: string, length: number, other: string, bound: number) =>
    `Illegal prefix bounds: ${name}=${length}, ${other}=${bound}.`,
)
export const illegalSubnetPoolPrefixUpdate = fault(
  'IllegalSubnetPoolPrefixUpdate',
  400,
  (reason: string) => `Illegal update to prefixes: ${reason}.`,
)
export const illegalSubnetPoolUpdate = fault(
  'IllegalSubnetPoolUpdate',
  400,
  (reason: string) => `Illegal subnetpool update : ${reason}.`,
)
export const networkSubnetPoolAffinityError = fault(
  'NetworkSubnetPoolAffinityError',
  400,
  () => 'Subnets hosted on the same network must be allocated from the same subnet pool.',
)
export const addressScopeNotFound = fault(
  'AddressScopeNotFound',
  404,
  (id: string) => `Address scope ${id} could not be found.`,
)
export const addressScopeInUse = fault(
  'AddressScopeInUse',
  409,
  (id: string) => `Unable to complete operation on address scope ${id}. There are subnet pools of it.`,
)
export const addressScopeUpdateError = fault(
  'AddressScopeUpdateError',
  400,
  (id: string, reason: string) => `Unable to update address scope ${id} : ${reason}.`,
)
export const addressScopePrefixConflict = fault(
  'AddressScopePrefixConflict',
  409,
  () => 'Failed to associate address scope: subnetpools within an address scope must have unique prefixes.',
)
export const networkAddressScopeAffinityError = fault(
  'NetworkAddressScopeAffinityError',
  400,
  () =>
    'Subnets of the same address family hosted on the same network must all be of the same address scope.',
)
export const illegalSubnetPoolAssociation = fault(
  'IllegalSubnetPoolAssociationToAddressScope',
  400,
  (pool: string, scope: string) =>
    `Illegal subnetpool association: subnetpool ${pool} cannot be associated with address scope ${scope}.`,
)
export const illegalSubnetPoolIpVersionAssociation = fault(
  'IllegalSubnetPoolIpVersionAssociationToAddressScope',
  400,
  (pool: string, scope: string, version: number) =>
    `Illegal subnetpool association: subnetpool ${pool} cannot be associated with address scope ${scope} ` +
    `because its family is not IPv${version}.`,
)

// Metering.
export const meteringLabelNotFound = fault(
  'MeteringLabelNotFound',
  404,
  (id: string) => `Metering label ${id} does not exist.`,
)
export const meteringLabelRuleOverlaps = fault(
  'MeteringLabelRuleOverlaps',
  409,
  (prefix: string) => `A rule of the metering label overlaps with the remote prefix ${prefix}.`,
)

// QoS.
export const qosPolicyNotFound = fault(
  'QosPolicyNotFound',
  404,
  (id: string) => `QoS policy ${id} could not be found.`,
)
export const qosRuleNotFound = fault(
  'QosRuleNotFound',
  404,
  (id: string, policy: string) => `QoS rule ${id} for policy ${policy} could not be found.`,
)
export const qosPolicyInUse = fault(
  'QosPolicyInUse',
  409,
  (policy: string, object: string, id: string) => `QoS policy ${policy} is used by ${object} ${id}.`,
)
export const qosPolicyDefaultAlreadyExists = fault(
  'QoSPolicyDefaultAlreadyExists',
  409,
  (project: string) => `A default QoS policy exists for project ${project}.`,
)
export const qosRulesConflict = fault(
  'QoSRulesConflict',
  409,
  (type: string, rule: string, policy: string) =>
    `Rule ${type} conflicts with rule ${rule} which exists in QoS policy ${policy}.`,
)
export const qosRuleParameterConflict = fault(
  'QoSRuleParameterConflict',
  409,
  (value: number, policy: string, type: string, existing: number) =>
    `The rule's value ${value} conflicts with the rule ${type} of QoS policy ${policy}, whose value is ${existing}.`,
)
export const policyRemoveAuthorizationError = fault(
  'PolicyRemoveAuthorizationError',
  403,
  (policy: string) => `QoS policy ${policy} was assigned by its owner and cannot be removed.`,
)

// Security groups.
export const invalidCidr = fault(
  'InvalidCIDR',
  400,
  (cidr: string) => `Invalid CIDR ${cidr} given as IP prefix.`,
)
export const securityGroupNotFound = fault(
  'SecurityGroupNotFound',
  404,
  (id: string) => `Security group ${id} does not exist.`,
)
export const securityGroupInUse = fault(
  'SecurityGroupInUse',
  409,
  (id: string, reason = 'ports use it') => `Security group ${id} in use: ${reason}.`,
)
export const securityGroupCannotRemoveDefault = fault(
  'SecurityGroupCannotRemoveDefault',
  409,
  () => 'Insufficient rights for removing default security group.',
)
export const securityGroupCannotUpdateDefault = fault(
  'SecurityGroupCannotUpdateDefault',
  409,
  () => 'Updating default security group not allowed.',
)
export const securityGroupDefaultAlreadyExists = fault(
  'SecurityGroupDefaultAlreadyExists',
  409,
  () => 'Default security group already exists.',
)
export const securityGroupRuleExists = fault(
  'SecurityGroupRuleExists',
  409,
  (id: string) => `Security group rule already exists. Rule id is ${id}.`,
)
export const duplicateSecurityGroupRuleInPost = fault(
  'DuplicateSecurityGroupRuleInPost',
  409,
  () => 'Duplicate Security Group Rule in POST.',
)
export const securityGroupNotSingleGroupRules = fault(
  'SecurityGroupNotSingleGroupRules',
  400,
  () => 'Only allowed to update rules for one security profile at a time.',
)
export const securityGroupRulesNotSingleTenant = fault(
  'SecurityGroupRulesNotSingleTenant',
  400,
  () => 'Multiple projects in bulk security group rule create not allowed.',
)
export const securityGroupRuleInvalidProtocol = fault(
  'SecurityGroupRuleInvalidProtocol',
  400,
  (protocol: string, values: string) =>
    `Security group rule protocol ${protocol} not supported. Only protocol values ${values} and integer representations [0 to 255] are supported.`,
)
export const securityGroupInvalidPortValue = fault(
  'SecurityGroupInvalidPortValue',
  400,
  (port: string) => `Invalid value for port ${port}.`,
)
export const securityGroupInvalidPortRange = fault(
  'SecurityGroupInvalidPortRange',
  400,
  () => 'For TCP/UDP protocols, port_range_min must be <= port_range_max.',
)
export const securityGroupInvalidIcmpValue = fault(
  'SecurityGroupInvalidIcmpValue',
  400,
  (field: string, attribute: string, value: number) =>
    `Invalid value for ICMP ${field} (${attribute}) ${value}. It must be 0 to 255.`,
)
export const securityGroupMissingIcmpType = fault(
  'SecurityGroupMissingIcmpType',
  400,
  (code: number) =>
    `ICMP code (port-range-max) ${code} is provided but ICMP type (port-range-min) is missing.`,
)
export const securityGroupProtocolRequiredWithPorts = fault(
  'SecurityGroupProtocolRequiredWithPorts',
  400,
  () => 'Must also specify protocol if port range is given.',
)
export const securityGroupInvalidProtocolForPort = fault(
  'SecurityGroupInvalidProtocolForPort',
  400,
  (protocol: string, valid: string) =>
    `Invalid protocol ${protocol} for port range, only supported for ${valid}.`,
)
export const securityGroupEthertypeConflictWithProtocol = fault(
  'SecurityGroupEthertypeConflictWithProtocol',
  400,
  (ethertype: string, protocol: string) => `Invalid ethertype ${ethertype} for protocol ${protocol}.`,
)
export const securityGroupRuleParameterConflict = fault(
  'SecurityGroupRuleParameterConflict',
  400,
  (ethertype: string, cidr: string) => `Conflicting value ethertype ${ethertype} for CIDR ${cidr}.`,
)
export const securityGroupMultipleRemoteEntities = fault(
  'SecurityGroupMultipleRemoteEntites',
  400,
  () => 'Only one of remote_ip_prefix, remote_group_id and remote_address_group_id may be provided.',
)
export const portSecurityAndIpRequiredForSecurityGroups = fault(
  'PortSecurityAndIPRequiredForSecurityGroups',
  400,
  () => 'Port security must be enabled and port must have an IP address in order to use security groups.',
)
export const portSecurityPortHasSecurityGroup = fault(
  'PortSecurityPortHasSecurityGroup',
  409,
  () => 'Port has security group associated. Cannot disable port security or IP address until it is removed.',
)
export const defaultSecurityGroupRuleExists = fault(
  'DefaultSecurityGroupRuleExists',
  409,
  (id: string) => `Default Security group rule already exists. Rule id is ${id}.`,
)
export const securityGroupDefaultStatefulnessAlreadyExists = fault(
  'SecurityGroupDefaultStatefulnessAlreadyExists',
  409,
  (project: string) => `A default statefulness of security groups is set already: ${project}.`,
)

// Address groups.
export const addressGroupNotFound = fault(
  'AddressGroupNotFound',
  404,
  (id: string) => `Address group ${id} could not be found.`,
)
export const addressGroupInUse = fault(
  'AddressGroupInUse',
  409,
  (id: string) => `Address group ${id} is in use on one or more security group rules.`,
)
export const addressesAlreadyExist = fault(
  'AddressesAlreadyExist',
  400,
  (addresses: string, id: string) => `Addresses ${addresses} already exist in the address group ${id}.`,
)
export const addressesNotFound = fault(
  'AddressesNotFound',
  404,
  (addresses: string, id: string) => `Addresses ${addresses} not found in the address group ${id}.`,
)

// Trunks.
export const trunkDisabled = fault('TrunkDisabled', 409, (id: string) => `Trunk ${id} is currently disabled.`)
export const trunkInErrorState = fault(
  'TrunkInErrorState',
  409,
  (id: string) => `Trunk ${id} is in error state: resolve that before it is changed.`,
)
export const trunkInUse = fault('TrunkInUse', 409, (id: string) => `Trunk ${id} is currently in use.`)
export const trunkPortInUse = fault(
  'TrunkPortInUse',
  409,
  (port: string) => `Port ${port} is in use by another trunk.`,
)
export const parentPortInUse = fault(
  'ParentPortInUse',
  409,
  (port: string) => `Port ${port} is currently in use and is not eligible for use as a parent port.`,
)
export const portInUseAsTrunkParent = fault(
  'PortInUseAsTrunkParent',
  409,
  (port: string, trunk: string) => `Port ${port} is currently a parent port for trunk ${trunk}.`,
)
export const portInUseAsSubPort = fault(
  'PortInUseAsSubPort',
  409,
  (port: string, trunk: string) => `Port ${port} is currently a subport for trunk ${trunk}.`,
)
export const duplicateSubPort = fault(
  'DuplicateSubPort',
  409,
  (type: string, id: number, trunk: string) =>
    `segmentation_type ${type} and segmentation_id ${id} are already in use on trunk ${trunk}.`,
)
export const subPortNotFound = fault(
  'SubPortNotFound',
  404,
  (port: string, trunk: string) => `SubPort on trunk ${trunk} with parent port ${port} could not be found.`,
)
export const subPortMtuGreaterThanTrunkPortMtu = fault(
  'SubPortMtuGreaterThanTrunkPortMtu',
  409,
  (port: string, mtu: number, trunk: string, trunkMtu: number) =>
    `MTU ${mtu} of subport ${port} cannot be greater than MTU ${trunkMtu} of trunk port ${trunk}.`,
)

// Flavors.
export const invalidServiceType = fault(
  'InvalidServiceType',
  400,
  (type: string) => `Invalid service type: ${type}.`,
)
export const serviceProfileNotFound = fault(
  'ServiceProfileNotFound',
  404,
  (id: string) => `Service Profile ${id} could not be found.`,
)
export const serviceProfileInUse = fault(
  'ServiceProfileInUse',
  409,
  (id: string) => `Service Profile ${id} is used by some service instance.`,
)
export const serviceProfileEmpty = fault(
  'ServiceProfileEmpty',
  400,
  () => 'Service Profile needs either a driver or metainfo.',
)
export const serviceProfileDriverNotFound = fault(
  'ServiceProfileDriverNotFound',
  404,
  (driver: string) => `Service Profile driver ${driver} could not be found.`,
)
export const flavorServiceProfileBindingExists = fault(
  'FlavorServiceProfileBindingExists',
  409,
  (profile: string, flavor: string) =>
    `Service Profile ${profile} is already associated with flavor ${flavor}.`,
)
export const flavorServiceProfileBindingNotFound = fault(
  'FlavorServiceProfileBindingNotFound',
  404,
  (profile: string, flavor: string) => `Service Profile ${profile} is not associated with flavor ${flavor}.`,
)

// Logging.
export const logResourceNotFound = fault(
  'LogResourceNotFound',
  404,
  (id: string) => `Log resource ${id} could not be found.`,
)
export const invalidLogResourceType = fault(
  'InvalidLogResourceType',
  400,
  (type: string) => `Invalid log resource_type: ${type}.`,
)
export const resourceNotFound = fault(
  'ResourceNotFound',
  404,
  (id: string) => `Resource ${id} could not be found.`,
)
export const targetResourceNotFound = fault(
  'TargetResourceNotFound',
  404,
  (id: string) => `Target resource ${id} could not be found.`,
)
export const invalidResourceConstraint = fault(
  'InvalidResourceConstraint',
  400,
  (resource: string, id: string, target: string, targetId: string) =>
    `${resource} ${id} and ${target} ${targetId} do not belong together.`,
)

// Local IPs.
export const localIpInUse = fault(
  'LocalIPInUse',
  409,
  (id: string) => `Local IP ${id} is still associated with one or more ports.`,
)
export const localIpPortOrNetworkRequired = fault(
  'LocalIPPortOrNetworkRequired',
  400,
  () => 'Either port ID or network ID must be specified for Local IP create.',
)
export const localIpNoIp = fault(
  'LocalIPNoIP',
  400,
  (port: string) => `Specified port ${port} has no fixed IPs configured.`,
)
export const localIpNoRequestedIp = fault(
  'LocalIPNoRequestedIP',
  400,
  (port: string) => `Specified port ${port} has several fixed IPs: which one has to be said.`,
)
export const localIpRequestedIpNotFound = fault(
  'LocalIPRequestedIPNotFound',
  400,
  (port: string, address: string) =>
    `Specified port ${port} does not have the requested IP address ${address}.`,
)
export const localIpAssociationNotFound = fault(
  'LocalIPAssociationNotFound',
  404,
  (id: string, port: string) => `Local IP ${id} association with port ${port} could not be found.`,
)
export const servicePortInUse = fault(
  'ServicePortInUse',
  409,
  (port: string, reason: string) => `Port ${port} cannot be deleted directly via the port API: ${reason}.`,
)
