/** Default policy of the Networking API: segments, their ranges, and what subnets show of them. */
import { type DefaultRule, rule } from '../default-rule.ts'

export const segmentRules: readonly DefaultRule[] = [
  rule('create_network_segment_range', 'rule:admin_only'),
  rule('create_network_segment_range:tags', 'rule:admin_only', {
    replaces: { name: 'create_network_segment_ranges_tags', check: 'rule:admin_only' },
  }),
  rule('get_network_segment_range', 'rule:admin_only'),
  rule('get_network_segment_range:tags', 'rule:admin_only', {
    replaces: { name: 'get_network_segment_ranges_tags', check: 'rule:admin_only' },
  }),
  rule('update_network_segment_range', 'rule:admin_only'),
  rule('update_network_segment_range:tags', 'rule:admin_only', {
    replaces: { name: 'update_network_segment_ranges_tags', check: 'rule:admin_only' },
  }),
  rule('delete_network_segment_range', 'rule:admin_only'),
  rule('delete_network_segment_range:tags', 'rule:admin_only', {
    replaces: { name: 'delete_network_segment_ranges_tags', check: 'rule:admin_only' },
  }),
  rule('create_segment', 'rule:admin_only'),
  rule('create_segments_tags', 'rule:admin_only'),
  rule('get_segment', 'rule:admin_only'),
  rule('get_segments_tags', 'rule:admin_only'),
  rule('update_segment', 'rule:admin_only'),
  rule('update_segments_tags', 'rule:admin_only'),
  rule('delete_segment', 'rule:admin_only'),
  rule('delete_segments_tags', 'rule:admin_only'),
  rule('create_subnet:segment_id', 'rule:admin_only'),
  rule('get_subnet:segment_id', 'rule:admin_only'),
  rule('update_subnet:segment_id', 'rule:admin_only'),
]
