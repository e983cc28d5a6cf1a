/**
 * The API over a large Gold: `node bench/api.ts [ratings] [minutes]`. Gold is made of Silver that SQL makes (bench/made-silver.ts). In one run: what the Books
 * page asks, with filters that were not asked before, by 1, 16 and 64 readers at once; an answer that is kept, and one that the reader
 * has; the same SQL in bare DuckDB, over the same files and over tables read into memory; a publish under a long answer; and the memory of the server over minutes
 * of such questions. Readers, server and DuckDB share the machine's cores.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { cpus, loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildGold } from '../compactor/build.ts'
import { filePath } from '../lake/delta/actions.ts'
import { openTable } from '../lake/delta/table.ts'
import { tableSql } from '../lake/sql.ts'
import { openLocalFiles } from '../lake/store/local-files.ts'
import { openStore } from '../lake/store/open.ts'
import { openDuckDb } from '../runtime/duckdb.ts'
import { createLog } from '../runtime/log.ts'
import { createSilverMaker, ratingRows } from './made-silver.ts'

const ratings = Number(process.argv[2] ?? 5_000_000)
const minutes = Number(process.argv[3] ?? 10)
const SECONDS = 8
const MONTHS = 36
const root = fileURLToPath(new URL('..', import.meta.url))
const dir = await mkdtemp(path.join(process.env['READFLOW_BENCH_DIR'] ?? tmpdir(), 'readflow-bench-'))
const tempDir = path.join(dir, 'tmp')
await mkdir(tempDir)
const store = openStore(`file:${path.join(dir, 'lake')}`)
const log = createLog('bench', 'error')
const show = (what: string, figures: unknown) => process.stdout.write(`${JSON.stringify({ what, ...(figures as object) })}\n`)

const build = () =>
  buildGold({
    store,
    files: openLocalFiles({ store, dir: path.join(dir, 'cache'), maxBytes: 0 }),
    openDuckDb,
    tempDir,
    log,
    nowMs: Date.now,
    isRetry: true,
  })

const anyDay = `(hash(i + 1) % ${MONTHS * 30})::BIGINT`
const duckdb = await openDuckDb({ memoryLimit: '2GB', tempDir })
const { addRows, addCatalogue } = createSilverMaker({ store, duckdb, tempDir })

const serve = async (): Promise<{ child: ChildProcess; url: string }> => {
  const child = spawn(process.execPath, [path.join(root, 'api/main.ts'), '--port', '0', '--rate-limit', '0', '--log-level', 'error'], {
    env: { ...process.env, READFLOW_DATA: path.join(dir, 'data'), LAKE_URL: `file:${path.join(dir, 'lake')}` },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const url = await new Promise<string>((resolve) =>
    child.on('message', (message: { url?: string }) => message.url && resolve(message.url)),
  )
  while (!(await fetch(new URL('/readyz', url))).ok) await new Promise((resolve) => setTimeout(resolve, 100))
  return { child, url }
}

const stop = (child: ChildProcess) => {
  child.kill('SIGTERM')
  return new Promise((resolve) => child.once('exit', resolve))
}

const quantile = (sorted: readonly number[], share: number) =>
  Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 100) / 100
const figuresOf = (timesMs: number[]) => {
  const sorted = timesMs.toSorted((a, b) => a - b)
  return { requests: sorted.length, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) }
}

let asked = 0
const genres = ['', 'fantasy', 'horror', 'history', 'romance', 'poetry', 'mystery']
/** A question of the Books page with filters that nobody had before. */
const freshQuestion = (): string => {
  const n = asked++
  const from = new Date(Date.UTC(2023, 11, 1 + (n % 900))).toISOString().slice(0, 10)
  const genre = genres[Math.floor(n / 900) % genres.length]!
  const filters = `from=${from}${genre === '' ? '' : `&genre=${genre}`}`
  return [
    `/v1/charts/rating-distribution?${filters}`,
    `/v1/charts/ratings-over-time?by=genre&${filters}`,
    `/v1/charts/ratings-over-time?by=language&${filters}`,
    `/v1/charts/review-trends?${filters}`,
    `/v1/books?sort=ratings_count&min_ratings=${n}&limit=20`,
  ][n % 5]!
}

const agent = new Agent({ keepAlive: true })
/** How long one answer takes, to its last byte. A plain client: what it costs itself is counted too. */
const timed = (url: string, question: string, headers: Record<string, string> = {}): Promise<number> =>
  new Promise((resolve, reject) => {
    const startedMs = performance.now()
    const request = get(new URL(question, url), { agent, headers }, (response) => {
      response.resume()
      response.once('error', reject).once('end', () => {
        if (response.statusCode === 200 || response.statusCode === 304) resolve(performance.now() - startedMs)
        else reject(new Error(`${question} answers ${response.statusCode}`))
      })
    })
    request.once('error', reject)
  })

const load = async (url: string, readers: number, question: () => string, seconds = SECONDS) => {
  const times: number[] = []
  const endMs = performance.now() + seconds * 1000
  await Promise.all(
    Array.from({ length: readers }, async () => {
      while (performance.now() < endMs) times.push(await timed(url, question()))
    }),
  )
  return figuresOf(times)
}

/** The published tables other than facts in a DuckDB of their own: over their files, or read into memory before. */
const openBare = async (url: string, kind: 'VIEW' | 'TABLE') => {
  const bare = await openDuckDb({ memoryLimit: '1GB', tempDir })
  const published = (await (await fetch(new URL('/v1/versions?limit=1', url))).json()) as { versions: { version: number }[] }
  const entry = JSON.parse(
    await readFile(path.join(dir, 'lake/gold/_published', `${String(published.versions[0]!.version).padStart(20, '0')}.json`), 'utf8'),
  )
  for (const [name, version] of Object.entries(entry.tables as Record<string, number>)) {
    if (name.startsWith('fact_')) continue
    const snapshot = await openTable(store, `gold/${name}`).snapshot({ version })
    const localPath = (file: string) => path.join(dir, 'lake/gold', name, filePath(file))
    await bare.run(`CREATE ${kind} gold_${name} AS ${tableSql({ snapshot, localPath })}`)
  }
  return bare
}

/**
 * The same questions of the API and, by the SQL that it names, of bare DuckDB, in turns, each of them first as often as the others:
 * who comes later finds the machine's caches warm. The API is one that was not asked them before.
 */
const overhead = async (url: string) => {
  const questions: { question: string; sql: string }[] = []
  while (questions.length < 300) {
    const question = freshQuestion()
    if (!question.startsWith('/v1/charts')) continue
    const { sql } = (await (await fetch(new URL(question, url))).json()) as { sql: string }
    questions.push({ question, sql })
  }
  const [files, memory, fresh] = [await openBare(url, 'VIEW'), await openBare(url, 'TABLE'), await serve()]
  await load(fresh.url, 1, freshQuestion, SECONDS)
  const bareMs = async (bare: typeof files, sql: string) => {
    const startedMs = performance.now()
    await bare.rows(sql)
    return performance.now() - startedMs
  }
  const times = { api: [] as number[], overFiles: [] as number[], inMemory: [] as number[] }
  const turns = [
    async ({ question }: (typeof questions)[0]) => void times.api.push(await timed(fresh.url, question)),
    async ({ sql }: (typeof questions)[0]) => void times.overFiles.push(await bareMs(files, sql)),
    async ({ sql }: (typeof questions)[0]) => void times.inMemory.push(await bareMs(memory, sql)),
  ]
  for (const [index, each] of questions.entries()) for (let turn = 0; turn < 3; turn++) await turns[(index + turn) % 3]!(each)
  await Promise.all([files.close(), memory.close(), stop(fresh.child)])
  const [api, overFiles, inMemory] = [figuresOf(times.api), figuresOf(times.overFiles), figuresOf(times.inMemory)]
  const ratio = (theirs: { p50Ms: number }) => Math.round((api.p50Ms / theirs.p50Ms) * 100) / 100
  return { api, bareOverFiles: overFiles, ratioOverFiles: ratio(overFiles), bareInMemory: inMemory, ratioInMemory: ratio(inMemory) }
}

/** A long answer that begins before a publish is of the version before it, whole. */
const publishUnderway = async (url: string) => {
  const response = await fetch(new URL('/v1/ratings?format=ndjson&limit=1000000&fields=rating_key', url))
  const version = response.headers.get('readflow-version')
  const reader = response.body!.getReader()
  const first = await reader.read()
  const recent = `(SELECT i FROM range(${ratings}) r(i) WHERE ${anyDay} < 60 LIMIT ${Math.round(ratings / 100)})`
  await addRows('ratings', ratingRows(recent, { ageDays: anyDay, revision: 1 }))
  const built = await build()
  let lines = 0
  for (let part = first; !part.done; part = await reader.read()) for (const byte of part.value) if (byte === 10) lines++
  const newest = (await (await fetch(new URL('/v1/versions?limit=1', url))).json()) as { versions: { version: number }[] }
  return { answeredVersion: version, publishedMeanwhile: newest.versions[0]?.version, filesWritten: built.filesWritten, rows: lines }
}

const rssMiB = async (pid: number | undefined) => {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1024)
}

const memory = async (url: string, child: ChildProcess) => {
  const samples: number[] = []
  for (let minute = 0; minute < minutes; minute++) {
    await load(url, 4, freshQuestion, 60)
    samples.push(await rssMiB(child.pid))
  }
  return { rssMiBByMinute: samples }
}

try {
  show('machine', { cpus: cpus().length, load: loadavg()[0], ratings })
  await addCatalogue()
  await addRows('ratings', ratingRows(`range(${ratings})`, { ageDays: anyDay }), MONTHS)
  await build()
  const { child, url } = await serve()
  try {
    await load(url, 1, freshQuestion, 2)
    for (const readers of [1, 16, 64]) show(`fresh questions, ${readers} readers`, await load(url, readers, freshQuestion))
    const page = [
      '/v1/charts/rating-distribution',
      '/v1/charts/ratings-over-time',
      '/v1/charts/review-trends',
      '/v1/charts/top-books',
      '/v1/genres',
    ]
    let turn = 0
    for (const readers of [1, 16, 64])
      show(`what the page asks, ${readers} readers`, await load(url, readers, () => page[turn++ % page.length]!))
    const etag = (await fetch(new URL('/v1/genres', url))).headers.get('etag')!
    const unchanged: number[] = []
    for (let count = 0; count < 500; count++) unchanged.push(await timed(url, '/v1/genres', { 'if-none-match': etag }))
    show('not modified, 1 reader', figuresOf(unchanged))
    show('against bare DuckDB', await overhead(url))
    show('a publish under a long answer', await publishUnderway(url))
    show(`memory over ${minutes} minutes`, await memory(url, child))
  } finally {
    await stop(child)
  }
} finally {
  await duckdb.close()
  await store.close()
  await rm(dir, { recursive: true, force: true })
}
