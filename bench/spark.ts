/**
 * A full build of Gold on DuckDB and on Spark, side by side: `node bench/spark.ts [ratings] [rounds]`, with READFLOW_PYTHON a Python that
 * has pyspark. Silver is that of `gold-increment.ts`. Each build is `readflow compact --once` as a process of its own over a copy
 * of the lake; the memory is the most that it and all that it started held at once, looked at four times a second.
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

/** Resident memory of a process and all that it started, in MiB. */
const residentMiB = (pid: number): number => {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,rss='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number, number])
  const tree = new Set([pid])
  // A child may stand before its parent.
  for (let size = 0; size < tree.size; ) {
    size = tree.size
    for (const [id, parent] of rows) if (tree.has(parent)) tree.add(id)
  }
  return Math.round(rows.reduce((sum, [id, , rss]) => sum + (tree.has(id) ? rss : 0), 0) / 1024)
}

const build = async (engine: string) => {
  const data = path.join(dir, engine)
  await cp(path.join(dir, 'lake'), path.join(data, 'lake'), { recursive: true })
  const startedMs = performance.now()
  const program = fileURLToPath(new URL('../compactor/main.ts', import.meta.url))
  const args = [program, '--once', '--data', data, '--engine', engine, '--spark-master', 'local[2]', '--log-level', 'debug']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let maxRssMiB = 0
  const sampling = setInterval(() => {
    maxRssMiB = Math.max(maxRssMiB, residentMiB(child.pid!))
  }, 250)
  let out = ''
  let log = ''
  child.stdout.on('data', (text) => (out += text))
  child.stderr.on('data', (text) => (log += text))
  const code = await new Promise((resolve) => child.on('close', resolve))
  clearInterval(sampling)
  const seconds = Math.round(performance.now() - startedMs) / 1000
  if (code !== 0) throw new Error(log.slice(-2000))
  await rm(data, { recursive: true })
  const deriving = `${out}${log}`.split('\n').filter((line) => line.includes('model built on Spark'))
  const modelSeconds = deriving.reduce((sum, line) => sum + (JSON.parse(line).seconds as number), 0)
  return { engine, seconds, maxRssMiB, ...(engine === 'spark' ? { modelSeconds: Math.round(modelSeconds * 10) / 10 } : {}) }
}

try {
  show('machine', { cpus: cpus().length, load: loadavg()[0], ratings })
  await makeSilver()
  for (let round = 0; round < rounds; round++) {
    const [duckdb, spark] = [await build('duckdb'), await build('spark')]
    show('full', duckdb)
    show('full', spark)
    show('Spark to DuckDB', { time: Math.round((spark.seconds / duckdb.seconds) * 100) / 100 })
  }
} finally {
  await rm(dir, { recursive: true, force: true })
}
