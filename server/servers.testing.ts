/** For tests of concurrency: many clients at once, over two servers on one database where the engine allows it. */
import { type Answer, type Caller, type Cloud, type Overrides, startCloud } from './features.testing.ts'
import { forEachEngine } from './store/testing.ts'

/** Two clouds on one database; on SQLite, which has one server, both are the same. */
export function onTwoServers(
  name: string,
  body: (one: Cloud, two: Cloud) => Promise<void>,
  overrides: Overrides = {},
): void {
  forEachEngine(name, async ({ store, engine, open }) => {
    const one = await startCloud(store, overrides)
    const two = engine === 'postgres' ? await startCloud(await open(), overrides) : one
    try {
      await body(one, two)
    } finally {
      await one.close()
      if (two !== one) await two.close()
    }
  })
}

/** `count` requests of blue's at once, dealt to both servers. */
export function atOnce(
  count: number,
  one: Cloud,
  two: Cloud,
  request: (caller: Caller, index: number) => Promise<Answer>,
): Promise<Answer[]> {
  return Promise.all(
    Array.from({ length: count }, (_, index) => request((index % 2 === 0 ? one : two).as('blue'), index)),
  )
}

export const withStatus = (answers: readonly Answer[], status: number): Answer[] =>
  answers.filter((answer) => answer.status === status)
