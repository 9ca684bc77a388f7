/**
 * The free space of a subnet pool, as aligned blocks of addresses (a buddy allocator): what cutting a subnet out costs
 * does not depend on how many there are. A block is handed out by deleting its row, so that no two transactions have
 * it. Addresses are in the sortable form of lib/addresses.ts; `bits` says that a block has 2^bits of them.
 */
import { type Block, blocksOfRange, type IpRange, mergeRanges, subtractRanges } from '../../lib/addresses.ts'
import { poolValue } from '../ipam/free-ranges.ts'
import { RetryTransaction } from '../store/errors.ts'
import { isOneOf } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { Tx } from '../store/store.ts'

const bestFit = prepared('subnetpool-best-fit', (db, p: { pool: string; bits: number }) =>
  db
    .selectFrom('subnetpool_blocks')
    .select(['first', 'bits'])
    .where('subnetpool_id', '=', p.pool)
    .where('bits', '>=', p.bits)
    .orderBy('bits')
    .orderBy('first')
    .limit(1),
)

const before = prepared('subnetpool-block-before', (db, p: { pool: string; first: string }) =>
  db
    .selectFrom('subnetpool_blocks')
    .select(['first', 'bits'])
    .where('subnetpool_id', '=', p.pool)
    .where('first', '<=', p.first)
    .orderBy('first', 'desc')
    .limit(1),
)

const remove = prepared('subnetpool-block-delete', (db, p: { pool: string; first: string; bits: number }) =>
  db
    .deleteFrom('subnetpool_blocks')
    .where('subnetpool_id', '=', p.pool)
    .where('first', '=', p.first)
    .where('bits', '=', p.bits),
)

/** Takes 2^bits addresses of the smallest block that has them, the lowest first; undefined where there is none. */
export async function takeBlock(tx: Tx, pool: string, bits: number): Promise<bigint | undefined> {
  const found = await bestFit.first(tx, { pool, bits })
  if (!found) return undefined
  const first = BigInt(`0x${found.first}`)
  await split(tx, pool, { first, bits: found.bits }, { first, bits })
  return first
}

/** Takes that block; false where some of it is not free. */
export async function takeThatBlock(tx: Tx, pool: string, block: Block): Promise<boolean> {
  const found = await before.first(tx, { pool, first: poolValue(block.first) })
  if (!found) return false
  const whole = { first: BigInt(`0x${found.first}`), bits: found.bits }
  if (lastOf(whole) < lastOf(block)) return false
  await split(tx, pool, whole, block)
  return true
}

const lastOf = ({ first, bits }: Block): bigint => first + (1n << BigInt(bits)) - 1n

/** Takes a part out of a free block; the rest stays free. */
async function split(tx: Tx, pool: string, whole: Block, part: Block): Promise<void> {
  const deleted = await remove.run(tx, { pool, first: poolValue(whole.first), bits: whole.bits })
  if (deleted !== 1) throw new RetryTransaction('the block was taken meanwhile')
  const rest: Block[] = []
  let { first } = whole
  for (let bits = whole.bits - 1; bits >= part.bits; bits--) {
    const middle = first + (1n << BigInt(bits))
    const above = part.first >= middle
    rest.push({ first: above ? first : middle, bits })
    if (above) first = middle
  }
  await insert(tx, pool, rest)
}

async function insert(tx: Tx, pool: string, blocks: readonly Block[]): Promise<void> {
  if (blocks.length === 0) return
  await tx.db
    .insertInto('subnetpool_blocks')
    .values(blocks.map(({ first, bits }) => ({ subnetpool_id: pool, first: poolValue(first), bits })))
    .execute()
}

/** Gives a block back, and joins it with its free neighbours as far as that goes. */
export async function giveBlock(tx: Tx, pool: string, block: Block): Promise<void> {
  const candidates = buddiesOf(block)
  const rows = await tx.db
    .selectFrom('subnetpool_blocks')
    .select(['first', 'bits'])
    .where('subnetpool_id', '=', pool)
    .where(
      isOneOf(
        tx.engine,
        'first',
        candidates.map(({ first }) => poolValue(first)),
      ),
    )
    .execute()
  const free = new Set(rows.map((row) => `${row.first} ${row.bits}`))
  let joined = block
  for (const buddy of candidates) {
    if (!free.has(`${poolValue(buddy.first)} ${buddy.bits}`)) break
    await remove.run(tx, { pool, first: poolValue(buddy.first), bits: buddy.bits })
    joined = { first: joined.first & ~(1n << BigInt(joined.bits)), bits: joined.bits + 1 }
  }
  await insert(tx, pool, [joined])
}

/** What a block would be joined with, step by step. */
function buddiesOf({ first, bits }: Block): Block[] {
  return Array.from({ length: 128 - bits }, (_, step) => {
    const size = 1n << BigInt(bits + step)
    return { first: (first & ~(size - 1n)) ^ size, bits: bits + step }
  })
}

/** Sets what is free in a pool: all of `ranges` but `taken`. */
export async function fillBlocks(
  tx: Tx,
  pool: string,
  ranges: readonly IpRange[],
  taken: readonly IpRange[],
): Promise<void> {
  await tx.db.deleteFrom('subnetpool_blocks').where('subnetpool_id', '=', pool).execute()
  const blocks = subtractRanges(mergeRanges(ranges), taken).flatMap(blocksOfRange)
  for (let at = 0; at < blocks.length; at += 1000) await insert(tx, pool, blocks.slice(at, at + 1000))
}
