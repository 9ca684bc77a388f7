/** The free blocks of a pool against a plain set, over random walks on both engines. */
import assert from 'node:assert/strict'
import { forEachEngine } from '../store/testing.ts'
import { fillBlocks, giveBlock, takeBlock, takeThatBlock } from './blocks.ts'

const pool = 'p'
const space = 64

forEachEngine('blocks are taken and given back whole, and joined as far as they go', async ({ store }) => {
  await store.write({ requestId: 'test' }, async (tx) => {
    await tx.db
      .insertInto('subnetpools')
      .values({
        id: pool,
        project_id: '',
        name: '',
        description: '',
        revision_number: 1,
        created_at: tx.now,
        updated_at: tx.now,
        ip_version: 4,
        default_prefixlen: 0,
        min_prefixlen: 0,
        max_prefixlen: 32,
        default_quota: null,
        is_default: 0,
        address_scope_id: null,
      })
      .execute()
    await fillBlocks(tx, pool, [{ first: 0n, last: 63n }], [{ first: 5n, last: 5n }])
    const free = new Set(Array.from({ length: space }, (_, i) => i).filter((i) => i !== 5))
    const held: { first: number; bits: number }[] = [{ first: 5, bits: 0 }]
    let state = 11
    const random = (below: number): number => {
      state = (state * 1103515245 + 12345) % 2147483648
      return Math.floor((state / 2147483648) * below)
    }
    const members = (first: number, bits: number) => Array.from({ length: 1 << bits }, (_, i) => first + i)
    const isFree = (first: number, bits: number) => members(first, bits).every((one) => free.has(one))
    const starts = (bits: number) =>
      Array.from({ length: space >> bits }, (_, i) => i << bits).filter((first) => isFree(first, bits))
    for (let step = 0; step < 300; step++) {
      const bits = random(4)
      const first = random(space >> bits) << bits
      switch (random(3)) {
        case 0: {
          const taken = await takeBlock(tx, pool, bits)
          assert.equal(taken !== undefined, starts(bits).length > 0)
          if (taken === undefined) break
          const at = Number(taken)
          assert.ok(isFree(at, bits), `${at}/${bits} was free`)
          for (const one of members(at, bits)) free.delete(one)
          held.push({ first: at, bits })
          break
        }
        case 1: {
          assert.equal(await takeThatBlock(tx, pool, { first: BigInt(first), bits }), isFree(first, bits))
          if (!isFree(first, bits)) break
          for (const one of members(first, bits)) free.delete(one)
          held.push({ first, bits })
          break
        }
        default: {
          const [back] = held.splice(random(held.length), 1)
          if (!back) break
          await giveBlock(tx, pool, { first: BigInt(back.first), bits: back.bits })
          for (const one of members(back.first, back.bits)) free.add(one)
        }
      }
      const rows = await tx.db
        .selectFrom('subnetpool_blocks')
        .select(['first', 'bits'])
        .where('subnetpool_id', '=', pool)
        .orderBy('first')
        .execute()
      const blocks = rows.map((row) => ({ first: Number(`0x${row.first}`), bits: row.bits }))
      assert.deepEqual(
        blocks.flatMap((block) => members(block.first, block.bits)),
        [...free].sort((a, b) => a - b),
      )
      for (const { first: at, bits: size } of blocks) {
        assert.equal(at % (1 << size), 0, 'aligned')
        const buddy = at ^ (1 << size)
        assert.ok(!blocks.some((other) => other.first === buddy && other.bits === size), 'buddies are joined')
      }
    }
  })
})
