/** Free ranges against a plain set, over random walks on both engines. */
import assert from 'node:assert/strict'
import { forEachEngine } from '../store/testing.ts'
import { fill, give, poolValue, take, takeLowest } from './free-ranges.ts'

forEachEngine(
  'taking and giving back keep ranges whole: disjoint, apart, and nothing lost',
  async ({ store }) => {
    const size = 24
    await store.write({ requestId: 'test' }, async (tx) => {
      const free = new Set<number>()
      const initial = [
        { first: 1n, last: 10n },
        { first: 11n, last: 20n },
      ]
      await fill(tx, 'p', initial, [5n])
      for (let value = 1; value <= 20; value++) if (value !== 5) free.add(value)
      let state = 7
      const random = (below: number): number => {
        state = (state * 1103515245 + 12345) % 2147483648
        return Math.floor((state / 2147483648) * below)
      }
      for (let step = 0; step < 400; step++) {
        const value = random(size)
        switch (random(4)) {
          case 0: {
            const lowest = free.size === 0 ? undefined : Math.min(...free)
            assert.equal(await takeLowest(tx, 'p'), lowest === undefined ? undefined : poolValue(lowest))
            if (lowest !== undefined) free.delete(lowest)
            break
          }
          case 1:
            assert.equal(await take(tx, 'p', poolValue(value)), free.delete(value))
            break
          default:
            await give(tx, 'p', poolValue(value))
            free.add(value)
        }
        const rows = await tx.db
          .selectFrom('free_ranges')
          .selectAll()
          .where('pool', '=', 'p')
          .orderBy('first')
          .execute()
        const ranges = rows.map((row) => ({ first: Number(`0x${row.first}`), last: Number(`0x${row.last}`) }))
        const held = ranges.flatMap(({ first, last }) =>
          Array.from({ length: last - first + 1 }, (_, i) => first + i),
        )
        assert.deepEqual(
          held,
          [...free].sort((a, b) => a - b),
        )
        ranges.forEach((range, i) => {
          const next = ranges[i + 1]
          assert.ok(!next || next.first > range.last + 1, 'neighbours are joined')
        })
      }
    })
  },
)
