/**
 * A full build of Gold on DuckDB and on Spark, side by side: `node bench/spark.ts [ratings] [rounds]`, with READFLOW_PYTHON a Python that
 * has pyspark. Silver is that of `gold-increment.ts`. Each build is `readflow compact --once` as a process of its own over a copy
 * of the lake; the memory is the most that it and all that it started held at once, looked at twice a second.
 */
import { execFileSync, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { openStore } from '../lake/store/open.ts'
import { openDuckDb } from '../runtime/duckdb.ts'
import { createSilverMaker, ratingRows } from './made-silver.ts'

const ratings = Number(process.argv[2] ?? 2_000_000)
const rounds = Number(process.argv[3] ?? 1)
const MONTHS = 36
const dir = await mkdtemp(path.join(process.env['READFLOW_BENCH_DIR'] ?? tmpdir(), 'readflow-bench-'))
const show = (what: string, figures: object) => process.stdout.write(`${JSON.stringify({ what, ...figures })}\n`)

const makeSilver = async () => {
  const tempDir = path.join(dir, 'tmp')
  await mkdir(tempDir)
  const store = openStore(`file:${path.join(dir, 'lake')}`)
  const duckdb = await openDuckDb({ memoryLimit: '2GB', tempDir })
  const { addRows, addCatalogue } = createSilverMaker({ store, duckdb, tempDir })
  await addCatalogue()
  await addRows('ratings', ratingRows(`range(${ratings})`, { ageDays: `(hash(i + 1) % ${MONTHS * 30})::BIGINT` }), MONTHS)
  await duckdb.close()
  await store.close()
}

/** A process and all that it started: their memory in MiB, and the CPU seconds of each. */
const treeOf = (pid: number) => {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,rss=,cputimes='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number, number, number])
  const tree = new Set([pid])
  // A child may stand before its parent.
  for (let size = 0; size < tree.size; ) {
    size = tree.size
    for (const [id, parent] of rows) if (tree.has(parent)) tree.add(id)
  }
  const members = rows.filter(([id]) => tree.has(id))
  return {
    rssMiB: Math.round(members.reduce((sum, [, , rss]) => sum + rss, 0) / 1024),
    cpuSeconds: members.map(([id, , , cpu]) => [id, cpu] as const),
  }
}

/** Of a build on Spark: what came before the first model, the models, what came after the last, and the three slowest. */
const phasesOf = (log: string, startedAtMs: number) => {
  const models = log
    .split('\n')
    .filter((line) => line.includes('model built on Spark'))
    .map((line) => JSON.parse(line) as { model: string; seconds: number; time: string })
  if (models.length === 0) return {}
  const [first, last] = [models[0]!, models.at(-1)!]
  const slowest = models.toSorted((one, other) => other.seconds - one.seconds).slice(0, 3)
  return {
    startSeconds: Math.round((Date.parse(first.time) - startedAtMs) / 100 - first.seconds * 10) / 10,
    modelSeconds: Math.round(models.reduce((sum, { seconds }) => sum + seconds, 0) * 10) / 10,
    afterSeconds: Math.round((Date.now() - Date.parse(last.time)) / 100) / 10,
    slowest: Object.fromEntries(slowest.map(({ model, seconds }) => [model, seconds])),
  }
}

const build = async (engine: string) => {
  const data = path.join(dir, engine)
  await cp(path.join(dir, 'lake'), path.join(data, 'lake'), { recursive: true })
  const startedMs = performance.now()
  const startedAtMs = Date.now()
  const program = fileURLToPath(new URL('../compactor/main.ts', import.meta.url))
  const args = [program, '--once', '--data', data, '--engine', engine, '--spark-master', 'local[2]', '--log-level', 'debug']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let maxRssMiB = 0
  const cpu = new Map<number, number>()
  const sampling = setInterval(() => {
    const { rssMiB, cpuSeconds } = treeOf(child.pid!)
    maxRssMiB = Math.max(maxRssMiB, rssMiB)
    for (const [pid, seconds] of cpuSeconds) cpu.set(pid, seconds)
  }, 500)
  let log = ''
  child.stdout.resume()
  child.stderr.on('data', (text) => (log += text))
  const code = await new Promise((resolve) => child.on('close', resolve))
  clearInterval(sampling)
  const seconds = Math.round(performance.now() - startedMs) / 1000
  if (code !== 0) throw new Error(log.slice(-2000))
  await rm(data, { recursive: true })
  const cpuSeconds = [...cpu.values()].reduce((sum, each) => sum + each, 0)
  return { engine, seconds, cpuSeconds, maxRssMiB, ...phasesOf(log, startedAtMs) }
}

try {
  show('machine', { cpus: cpus().length, load: loadavg()[0], ratings })
  await makeSilver()
  for (let round = 0; round < rounds; round++) {
    const [duckdb, spark] = [await build('duckdb'), await build('spark')]
    show('full', duckdb)
    show('full', spark)
    show('Spark to DuckDB', {
      seconds: Math.round((spark.seconds / duckdb.seconds) * 100) / 100,
      cpuSeconds: Math.round((spark.cpuSeconds / duckdb.cpuSeconds) * 100) / 100,
    })
  }
} finally {
  await rm(dir, { recursive: true, force: true })
}
