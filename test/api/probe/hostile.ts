/**
 * Values that Neutron's converters and validators refuse, and those that they take, by the names of the facts: what
 * bad-input and conformance tests send. Nothing here looks at our own declarations.
 */
import type { AttributeFact } from './facts.ts'

export interface Refused {
  value: unknown
  /** The fault's type: converters answer InvalidInput, validators HTTPBadRequest. */
  type: 'InvalidInput' | 'HTTPBadRequest'
  why: string
}

/** Values that are wrong for all but free-form attributes. */
const notText: readonly unknown[] = [5, true, null, [], {}, ['x'], { x: 'y' }]
const notList: readonly unknown[] = [5, true, 'x', { x: 'y' }]
const notUuid: readonly unknown[] = [
  '',
  'x',
  5,
  true,
  {},
  [],
  '0'.repeat(31),
  `${'0'.repeat(31)}g`,
  "' or 1=1 --",
]
const notAddress: readonly unknown[] = [
  '',
  'x',
  5,
  {},
  '1.2.3',
  '1.2.3.256',
  '01.2.3.4',
  ':::',
  '1.2.3.4/24',
  '1.2.3.4\n',
]
const notCidr: readonly unknown[] = [
  '',
  'x',
  5,
  {},
  '10.0.0.0',
  '10.0.0.0/33',
  '2001:db8::/129',
  '10.0.0.0/-1',
  '10.0.0.0/24\n',
  '/24',
]
const notName: readonly unknown[] = ['-x.', 'x y.', 'x\ny.', `${'x'.repeat(64)}.`, '$(id).', 'x;y.']

interface Rule {
  refuses(argument: unknown): readonly unknown[]
  takes(argument: unknown): readonly unknown[]
}

const rule = (refuses: Rule['refuses'], takes: Rule['takes'] = () => []): Rule => ({ refuses, takes })
const longer = (max: unknown): string[] => (typeof max === 'number' ? ['x'.repeat(max + 1)] : [])
const integers = (text: unknown): number[] => (Array.isArray(text) ? text.map(Number) : [])

/** Converters that may refuse; the others change a value and leave judging to the validator. */
const converters: Readonly<Record<string, Rule>> = {
  convert_to_boolean: rule(
    () => ['maybe', '', 2, -1, null, [], {}, 'truefalse', 'true\n'],
    () => [true, false, 'true', 'no', 1, 0, 'ON'],
  ),
  convert_to_boolean_if_not_none: rule(
    () => ['maybe', 2, [], {}],
    () => [true, false, null, 'yes'],
  ),
  convert_to_int: rule(() => ['x', '', null, [], {}, '1e3x', '0x10', '1;drop']),
  convert_to_int_if_not_none: rule(() => ['x', '', [], {}]),
  convert_string_to_case_insensitive: rule(() => [5, true, null, [], {}]),
  convert_to_protocol: rule(() => ['nonsense', 256, -1, {}]),
  convert_validate_port_value: rule(() => ['x', 65_536, -1, {}]),
}

const validators: Readonly<Record<string, Rule>> = {
  'type:string': rule(
    (max) => [...notText, ...longer(max), 'a\0b', '\ud800'],
    (max) => [
      '',
      'x',
      "Robert'); drop table ports;--",
      'a\nb',
      '$(id)`id`',
      '名前',
      'x'.repeat(typeof max === 'number' ? max : 300),
    ],
  ),
  'type:string_or_none': rule(
    (max) => [...notText.filter((one) => one !== null), ...longer(max)],
    () => ['', 'x', null],
  ),
  'type:not_empty_string': rule(
    (max) => [...notText, ...longer(max), '', '  '],
    () => ['x'],
  ),
  'type:name_not_default': rule(
    () => ['default', 'DEFAULT'],
    () => ['x'],
  ),
  'type:uuid': rule(() => [...notUuid, null]),
  'type:uuid_or_none': rule(
    () => notUuid,
    () => [null],
  ),
  'type:uuid_list': rule(
    () => [...notList, ['x'], [5]],
    () => [[]],
  ),
  'type:values': rule(
    (allowed) => ['nonsense', [], {}, -7].filter((one) => !(Array.isArray(allowed) && allowed.includes(one))),
    (allowed) => (Array.isArray(allowed) ? allowed : []),
  ),
  'type:non_negative': rule(
    () => [-1, -(2 ** 31)],
    () => [0, 1, '7'],
  ),
  'type:range': rule(
    (bounds) => {
      const [low, high] = integers(bounds)
      return [
        ...(low !== undefined && Number.isFinite(low) ? [low - 1] : []),
        ...(high !== undefined && Number.isFinite(high) ? [high + 1] : []),
      ]
    },
    (bounds) => integers(bounds).filter((one) => Number.isFinite(one)),
  ),
  'type:range_or_none': rule(
    (bounds) => [(integers(bounds)[0] ?? 0) - 1, 'x'],
    () => [null],
  ),
  'type:ip_address': rule(
    () => [...notAddress, null],
    () => ['10.1.2.3', '2001:db8::1'],
  ),
  'type:ip_address_or_none': rule(
    () => notAddress,
    () => [null],
  ),
  'type:subnet': rule(
    () => [...notCidr, null],
    () => ['10.9.0.0/24', '2001:db8:9::/64'],
  ),
  'type:subnet_or_none': rule(() => notCidr),
  'type:subnet_list': rule(
    () => [...notList, ['x'], ['10.0.0.0/8', '10.0.0.0/8']],
    () => [['10.9.0.0/24']],
  ),
  'type:ip_pools': rule(() => [
    ...notList,
    ['x'],
    [{ start: '10.1.0.5' }],
    [{ start: 'x', end: 'y' }],
    [{ start: '10.1.0.5', end: '10.1.0.9', more: 1 }],
    [[]],
  ]),
  'type:nameservers': rule(
    () => [5, 'x', { x: 1 }, ['x'], [5], ['10.0.0.1', '10.0.0.1'], ['10.0.0.1\nserver=evil']],
    () => [[], ['10.0.0.1'], ['10.0.0.1', '10.0.0.2']],
  ),
  'type:hostroutes': rule(
    () => [
      5,
      'x',
      ['x'],
      [{ destination: '10.0.0.0/8' }],
      [{ destination: 'x', nexthop: '10.1.0.1' }],
      [{ destination: '10.0.0.0/8', nexthop: 'x' }],
      [{ destination: '10.0.0.0/8', nexthop: '10.1.0.1', metric: 1 }],
      [
        { destination: '10.0.0.0/8', nexthop: '10.1.0.1' },
        { destination: '10.0.0.0/8', nexthop: '10.1.0.1' },
      ],
    ],
    () => [[], [{ destination: '10.200.0.0/16', nexthop: '10.1.0.1' }]],
  ),
  'type:mac_address': rule(() => [
    '',
    'x',
    5,
    {},
    [],
    'fa:16:3e:00:00',
    'fa:16:3e:00:00:0g',
    '01:00:5e:00:00:01',
    'fa:16:3e:00:00:01\n',
  ]),
  'type:fixed_ips': rule(() => [
    null,
    5,
    'x',
    ['x'],
    [{ ip_address: 'x' }],
    [{ subnet_id: 'x' }],
    [{ ip_address: '10.1.0.5', nonsense: 1 }],
    [{ ip_address: '10.1.0.5' }, { ip_address: '10.1.0.5' }],
  ]),
  'type:allowed_address_pairs': rule(
    () => [
      5,
      'x',
      ['x'],
      [{}],
      [{ ip_address: 'x' }],
      [{ ip_address: '10.1.0.5', mac_address: 'x' }],
      [{ ip_address: '10.1.0.5', nonsense: 1 }],
      [{ ip_address: '10.1.0.5', mac_address: '01:00:5e:00:00:05' }],
      [{ ip_address: '224.0.0.5' }],
      [{ ip_address: '239.1.0.0/16' }],
      [{ ip_address: 'ff02::1' }],
      [{ ip_address: 'ff00::/8' }],
    ],
    () => [
      [],
      [{ ip_address: '0.0.0.0/0' }, { ip_address: '224.0.0.0/3' }, { ip_address: '::/0' }],
      [{ ip_address: '10.9.0.5' }],
      [{ ip_address: '10.9.0.0/24', mac_address: 'fa:16:3e:00:00:01' }],
    ],
  ),
  'type:list_of_any_key_specs_or_none': rule(
    () => [
      5,
      'x',
      ['x'],
      [{ opt_name: 'mtu' }],
      [{ opt_value: '1' }],
      [{ opt_name: '', opt_value: '1' }],
      [{ opt_name: 'mtu', opt_value: 5 }],
      [{ opt_name: 'mtu', opt_value: '1', ip_version: 5 }],
      [{ opt_name: 'mtu', opt_value: '1\ndhcp-script=/bin/sh' }],
      [{ opt_name: 'mtu\ndhcp-script=/bin/sh', opt_value: '1' }],
      [{ opt_name: 'mtu', opt_value: '1', nonsense: 1 }],
    ],
    () => [
      [],
      null,
      [{ opt_name: 'mtu', opt_value: '1400' }],
      [{ opt_name: 'tftp-server', opt_value: '$(id);|&', ip_version: 4 }],
    ],
  ),
  'type:dict_or_none': rule(
    () => [5, 'x', [], ['x']],
    () => [null, {}],
  ),
  'type:dict_or_nodata': rule(
    () => [5, 'x'],
    () => [null, {}],
  ),
  'type:dns_domain_name': rule(
    () => [...notName, 'x', `${'x.'.repeat(130)}`],
    () => ['', 'example.org.'],
  ),
  'type:dns_host_name': rule(
    () => ['-x', 'x y', 'x\ny', 'x'.repeat(64), '$(id)', '1.2.3.', 'a;b'],
    () => ['', 'web'],
  ),
  'type:availability_zone_hint_list': rule(
    () => [...notList, [''], [5], ['a', 'a'], null],
    () => [[]],
  ),
  'type:list_of_subnet_service_types': rule(
    () => [...notList, ['x'], [5], ['compute:nova', 'compute:nova'], ['c']],
    () => [[], ['compute:nova'], ['network:dhcp', 'compute:x']],
  ),
  'type:list_of_unique_strings': rule(
    (max) => [...notList, [''], ['  '], [5], ['a', 'a'], longer(max).length > 0 ? longer(max) : [null], null],
    () => [[], ['a', 'b']],
  ),
  'type:subnetpool_id_or_none': rule(
    () => notUuid.filter((one) => one !== ''),
    () => [null],
  ),
  'type:network_segments': rule(() => [5, 'x', ['x'], [{ nonsense: 1 }]]),
}

/** The name of a fact's validator, and its argument. */
function validatorOf(fact: AttributeFact): [string, unknown] | undefined {
  return Object.entries(fact.validate ?? {})[0]
}

/** All that must be refused of this attribute with 400. */
export function refusedValues(fact: AttributeFact): Refused[] {
  const { convert_to: convert = '' } = fact
  const [validator = '', argument] = validatorOf(fact) ?? []
  const converted = converters[convert]?.refuses(null) ?? []
  const written = (value: unknown): string => JSON.stringify(value) ?? String(value)
  const first = new Set(converted.map(written))
  return [
    ...converted.map((value) => ({ value, type: 'InvalidInput' as const, why: convert })),
    ...(validators[validator]?.refuses(argument) ?? [])
      .filter((value) => !first.has(written(value)) && !changedBy(convert, value))
      .map((value) => ({ value, type: 'HTTPBadRequest' as const, why: validator })),
  ]
}

/** True where the converter makes something else of the value, so that the validator does not see it. */
function changedBy(convert: string, value: unknown): boolean {
  if (value === null) return convert.startsWith('convert_none') || convert.endsWith('if_none')
  if (convert === 'convert_to_int') return typeof value !== 'number'
  return convert === 'convert_string_to_case_insensitive' && typeof value !== 'string'
}

/** Values that conversion and validation let pass, where that does not depend on other objects. */
export function takenValues(fact: AttributeFact): readonly unknown[] {
  const [validator = '', argument] = validatorOf(fact) ?? []
  return validators[validator]?.takes(argument) ?? converters[fact.convert_to ?? '']?.takes(argument) ?? []
}

/** True where something is known of the attribute's converter or validator. */
export function isJudged(fact: AttributeFact): boolean {
  return refusedValues(fact).length > 0
}
