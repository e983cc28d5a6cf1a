/*
 * How the Delta log scales: latency of a commit at version 10, 1,000 and 10,000 of a table, and the time and memory to
 * open it at 10,000 versions and 10,000 files, side by side with delta-rs where it is installed (test/interop/install.sh).
 * `node bench/delta-log.ts [VERSIONS]`. Each commit is durable: it is synced to the disk of the temporary folder.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { commit } from '../lake/delta/commit.ts'
import { openTable } from '../lake/delta/table.ts'
import { openFolderStore } from '../lake/store/folder.ts'

const ROOT = 'silver/ratings'
const WINDOW = 200
const OPENINGS = 5
const day = (version: number) => new Date(Date.UTC(2026, 0, 1 + (version % 300))).toISOString().slice(0, 10)

const addOf = (version: number) => ({
  path: `ingestion_date=${day(version)}/part-${crypto.randomUUID()}.zstd.parquet`,
  partitionValues: { ingestion_date: day(version) },
  size: 1_000_000,
  modificationTime: Date.now(),
  dataChange: true,
  stats: JSON.stringify({
    numRecords: 50_000,
    minValues: { _offset: version * 50_000, _key: '1:1', ingestion_timestamp: '2026-01-01T00:00:00.000Z' },
    maxValues: { _offset: version * 50_000 + 49_999, _key: '99:9', ingestion_timestamp: '2026-01-01T00:00:59.999Z' },
    nullCount: { _offset: 0, _key: 0, ingestion_timestamp: 0 },
  }),
})

const quantile = (sorted: readonly number[], q: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!
const round = (value: number) => Math.round(value * 100) / 100

/** Commits until the table has that version, and gives the latencies in milliseconds, by version. */
const write = async (folder: string, lastVersion: number): Promise<number[]> => {
  const store = openFolderStore(folder)
  const table = openTable(store, ROOT, { warn: (error) => console.error('warning:', error) })
  const latencies: number[] = []
  for (let version = 0; version <= lastVersion; version++) {
    const startedMs = performance.now()
    await commit(table, {
      operation: 'STREAMING UPDATE',
      fields: [
        { name: '_key', type: { kind: 'string' }, nullable: true },
        { name: '_offset', type: { kind: 'long' }, nullable: true },
        { name: 'ingestion_timestamp', type: { kind: 'timestamp' }, nullable: true },
        { name: 'ingestion_date', type: { kind: 'date' }, nullable: true },
      ],
      partitionColumns: ['ingestion_date'],
      adds: [addOf(version)],
      txns: [{ appId: `silver/cluster/topic/${version % 6}`, version: version * 50_000 }],
    })
    latencies.push(performance.now() - startedMs)
  }
  await table.settled()
  await store.close()
  return latencies
}

const open = async (folder: string) => {
  const startedMs = performance.now()
  const before = process.cpuUsage()
  const snapshot = await openTable(openFolderStore(folder), ROOT).snapshot()
  const { user, system } = process.cpuUsage(before)
  const ms = performance.now() - startedMs
  return { ms, cpuMs: (user + system) / 1000, files: snapshot.files.size, version: snapshot.version, rssBytes: process.memoryUsage.rss() }
}

const DELTA_RS = `
import sys, time, json, resource
import deltalake
cpu = lambda: (lambda used: used.ru_utime + used.ru_stime)(resource.getrusage(resource.RUSAGE_SELF))
before = cpu()
started = time.perf_counter()
table = deltalake.DeltaTable(sys.argv[1])
files = len(table.file_uris())
print(json.dumps({"ms": (time.perf_counter() - started) * 1000, "cpuMs": (cpu() - before) * 1000, "files": files, "version": table.version(),
  "rssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
`

interface Opened {
  ms: number
  /** Of the processor, which other work on the machine changes less. */
  cpuMs: number
  files: number
  version: number
  rssBytes: number
}

/** The opening of middling speed, of several processes. */
const middling = (run: () => string): Opened =>
  quantile2(Array.from({ length: OPENINGS }, () => JSON.parse(run()) as Opened).sort((a, b) => a.ms - b.ms))
const quantile2 = (sorted: readonly Opened[]) => sorted[sorted.length >> 1]!

const show = (name: string, { ms, cpuMs, files, version, rssBytes }: Opened) =>
  console.log(
    `open  ${name.padEnd(9)} version ${version}, ${files} files: ${round(ms)} ms, ${round(cpuMs)} ms of CPU, ${round(rssBytes / 1024 ** 2)} MiB RSS`,
  )

const main = async (versions: number) => {
  const folder = await mkdtemp(join(tmpdir(), 'readflow-bench-'))
  try {
    const latencies = await write(folder, versions + WINDOW)
    const windows = [10, 1000, 10_000]
      .filter((from) => from <= versions)
      .map((from) => ({ from, ms: latencies.slice(from, from + WINDOW).sort((a, b) => a - b) }))
    for (const { from, ms } of windows)
      console.log(
        `commit at version ${from}: median ${round(quantile(ms, 0.5))} ms, p95 ${round(quantile(ms, 0.95))} ms, max ${round(ms.at(-1)!)} ms`,
      )
    const ratio = quantile(windows.at(-1)!.ms, 0.5) / quantile(windows[0]!.ms, 0.5)
    console.log(`commit at version ${windows.at(-1)!.from} takes ${round(ratio)} times that at version ${windows[0]!.from}`)
    const ours = middling(() =>
      execFileSync(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), 'open', folder], { encoding: 'utf8' }),
    )
    show('ReadFlow', ours)
    const python = process.env['READFLOW_TEST_PYTHON'] ?? join(homedir(), '.cache/readflow/python/bin/python')
    if (!existsSync(python)) return console.log('open  delta-rs: not installed; run bash test/interop/install.sh')
    const theirs = middling(() => execFileSync(python, ['-c', DELTA_RS, join(folder, ROOT)], { encoding: 'utf8' }))
    show('delta-rs', theirs)
    console.log(
      `ReadFlow takes ${round(ours.ms / theirs.ms)} times the time, ${round(ours.cpuMs / theirs.cpuMs)} times the CPU and ${round(ours.rssBytes / theirs.rssBytes)} times the memory of delta-rs`,
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const [first = '10000', second = ''] = process.argv.slice(2)
if (first === 'open') console.log(JSON.stringify(await open(second)))
else await main(Number(first))
