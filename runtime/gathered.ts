interface Waiting<Q, A> {
  question: Q
  resolve(answer: A): void
  reject(error: unknown): void
}

/** Puts single questions by `ask`, which takes many: those that come in one turn, or while it works, go together. */
export function gathered<Q, A>(
  ask: (questions: readonly Q[]) => Promise<readonly A[]>,
): (one: Q) => Promise<A> {
  let waiting: Waiting<Q, A>[] = []
  let asking = false

  async function askAll(): Promise<void> {
    while (waiting.length > 0) {
      const together = waiting
      waiting = []
      try {
        const answers = await ask(together.map(({ question }) => question))
        for (const [at, { resolve }] of together.entries()) resolve(answers[at] as A)
      } catch (error) {
        for (const { reject } of together) reject(error)
      }
    }
    asking = false
  }

  return (question) =>
    new Promise((resolve, reject) => {
      waiting.push({ question, resolve, reject })
      if (asking) return
      asking = true
      setImmediate(askAll)
    })
}
