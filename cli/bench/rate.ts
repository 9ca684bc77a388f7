/** The one HTTP client of the benchmarks: so many requests at the same time, as fast as answers come. */
import { Agent } from 'undici'

export interface Load {
  url: string
  headers: Record<string, string>
  /** The body of the n-th request. */
  body(n: number): string
  concurrency: number
  seconds: number
}

export interface Rate {
  perSecond: number
  /** Milliseconds. */
  p50: number
  p99: number
}

/** The value below which that share (0 to 1) of the numbers lies. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

/** POSTs for that long; throws at the first answer that is not 201. */
export async function measureRate({ url, headers, body, concurrency, seconds }: Load): Promise<Rate> {
  const { origin, pathname } = new URL(url)
  const dispatcher = new Agent({ connections: concurrency, pipelining: 1 })
  const times: number[] = []
  const started = performance.now()
  const end = started + seconds * 1000
  let n = 0
  const worker = async () => {
    while (performance.now() < end) {
      const begun = performance.now()
      n += 1
      const response = await dispatcher.request({
        origin,
        path: pathname,
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: body(n),
      })
      const text = await response.body.text()
      if (response.statusCode !== 201)
        throw new Error(`${url} answers ${response.statusCode}: ${text.slice(0, 300)}`)
      times.push(performance.now() - begun)
    }
  }
  try {
    await Promise.all(Array.from({ length: concurrency }, worker))
  } finally {
    await dispatcher.close()
  }
  const took = (performance.now() - started) / 1000
  return { perSecond: times.length / took, p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
}
