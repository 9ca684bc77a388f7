/** What holds in the database of a cloud whatever was asked of it, read from outside with SQL of its own. */
import { DatabaseSync } from 'node:sqlite'

/** Each answers the rows that should not be there. */
const rules: Readonly<Record<string, string>> = {
  'an address lies outside its subnet': `select a.* from ip_allocations a join subnets s on s.id = a.subnet_id
     where a.ip < s.first_ip or a.ip > s.last_ip`,
  'an address is given twice': `select subnet_id, ip from ip_allocations group by subnet_id, ip having count(*) > 1`,
  'an address is on another network than its port': `select a.* from ip_allocations a
     join ports p on p.id = a.port_id join subnets s on s.id = a.subnet_id where p.network_id <> s.network_id`,
  'a MAC address is twice on a network': `select network_id, mac_address from ports
     group by network_id, mac_address having count(*) > 1`,
  'a port has no active binding, or several': `select p.id from ports p left join port_bindings b
     on b.port_id = p.id and b.status = 'ACTIVE' group by p.id having count(b.port_id) <> 1`,
  'a port is bound to a segment that is gone': `select b.* from port_bindings b where b.segment_id is not null
     and not exists (select 1 from network_segments s where s.id = b.segment_id and s.network_id = b.network_id)`,
  'a segment is claimed twice': `select claim from network_segments where claim is not null
     group by claim having count(*) > 1`,
  'a tag is of an object that is gone': `select t.* from tags t where
     (t.object = 'network' and not exists (select 1 from networks o where o.id = t.object_id)) or
     (t.object = 'subnet' and not exists (select 1 from subnets o where o.id = t.object_id)) or
     (t.object = 'port' and not exists (select 1 from ports o where o.id = t.object_id))`,
  'subnets of a network overlap': `select a.id, b.id from subnets a join subnets b
     on a.network_id = b.network_id and a.id < b.id and a.ip_version = b.ip_version
     and a.first_ip <= b.last_ip and b.first_ip <= a.last_ip`,
  'a revision below 0': `select id from ports where revision_number < 0
     union select id from networks where revision_number < 0 union select id from subnets where revision_number < 0`,
  'an object came without a change': `select p.id from ports p where not exists
     (select 1 from changes c where c.object = 'port' and c.id = p.id and c.operation = 'create')`,
}

/** What is broken, in words; nothing where all holds. */
export function brokenInvariants(path: string): string[] {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const broken: string[] = []
    const integrity = database.prepare('pragma integrity_check').get()?.integrity_check
    if (integrity !== 'ok') broken.push(`integrity: ${String(integrity)}`)
    const strays = database.prepare('pragma foreign_key_check').all()
    if (strays.length > 0) broken.push(`foreign keys: ${JSON.stringify(strays[0])}`)
    for (const [what, query] of Object.entries(rules)) {
      const [first] = database.prepare(query).all()
      if (first) broken.push(`${what}: ${JSON.stringify(first)}`)
    }
    return broken
  } finally {
    database.close()
  }
}
