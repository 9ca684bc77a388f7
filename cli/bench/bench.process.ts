/** Runs the benchmarks inside their box and prints the figures. Arguments: `json` or `text`, then the names. */
import { cpus, release } from 'node:os'
import { measureApi } from './api.bench.ts'
import { type Bench, closeBench, type Figure, openBench } from './bench.place.ts'
import { measureColdStart } from './cold.bench.ts'
import { measureCreation } from './create.bench.ts'
import { measureFirstAnswer, measureLargeNetwork } from './dhcp.bench.ts'
import { measureBurst, measureLargeBurst, measurePlug } from './plug.bench.ts'
import { measureMemory, measureRestart, measureStart } from './process.bench.ts'
import { measureScale } from './scale.bench.ts'

const benches: Record<string, (bench: Bench) => Promise<Figure[]>> = {
  start: measureStart,
  create: measureCreation,
  plug: measurePlug,
  burst: measureBurst,
  restart: measureRestart,
  memory: measureMemory,
  api: measureApi,
  crowd: measureLargeBurst,
  dhcp: measureFirstAnswer,
  large: measureLargeNetwork,
  cold: measureColdStart,
  scale: measureScale,
}

const [form, ...asked] = process.argv.slice(2)
// Restart and memory are measured with the ports of the burst.
const needsBurst = !asked.includes('burst') && asked.some((name) => name === 'restart' || name === 'memory')
const names = needsBurst ? ['burst', ...asked] : asked
const bench = await openBench()
const figures: (Figure & { bench: string })[] = []
try {
  for (const name of names) {
    const measured = (await benches[name]?.(bench)) ?? []
    for (const figure of measured) {
      figures.push({ bench: name, ...figure })
      if (form === 'json') continue
      const aim = figure.aim === undefined ? '' : `   (aim: ${figure.aim})`
      process.stdout.write(
        `${name.padEnd(8)} ${figure.what.padEnd(46)} ${figure.value} ${figure.unit}${aim}\n`,
      )
    }
  }
} catch (error) {
  process.stderr.write(`nucleon: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
} finally {
  await closeBench(bench)
}
if (form === 'json') {
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, kernel: release(), node: process.version }
  process.stdout.write(`${JSON.stringify({ machine, figures }, null, 2)}\n`)
}
