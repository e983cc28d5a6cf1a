/**
 * A full build of Gold against increments, on the same lake and in one run, checks and profiles included: `node bench/gold-increment.ts [ratings]`. Silver is
 * made by SQL: 10,000 books with genres, 3,000 authors, ratings spread evenly over 36 months by 200,000 readers, in files of a day
 * each. Then 1 % of the ratings change, once within the last two months and once over all of them, and Gold is built by
 * increment; after each the same Silver is built anew into another lake.
 */
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { buildGold } from '../compactor/build.ts'
import { openChecks } from '../compactor/checks/open.ts'
import { openTable } from '../lake/delta/table.ts'
import { openLocalFiles } from '../lake/store/local-files.ts'
import { openStore } from '../lake/store/open.ts'
import type { ObjectStore } from '../lake/store/store.ts'
import { openDuckDb } from '../runtime/duckdb.ts'
import { createLog } from '../runtime/log.ts'
import { createSilverMaker, ratingRows } from './made-silver.ts'

const ratings = Number(process.argv[2] ?? 5_000_000)
const MONTHS = 36
const dir = await mkdtemp(path.join(process.env['READFLOW_BENCH_DIR'] ?? tmpdir(), 'readflow-bench-'))
const tempDir = path.join(dir, 'tmp')
await mkdir(tempDir)
const store = openStore(`file:${path.join(dir, 'lake')}`)
const duckdb = await openDuckDb({ memoryLimit: '2GB', tempDir })

const { addRows, addCatalogue } = createSilverMaker({ store, duckdb, tempDir })
const anyDay = `(hash(i + 1) % ${MONTHS * 30})::BIGINT`

const checksOf = (target: ObjectStore) => openChecks({ tableAt: (root) => openTable(target, root), log: createLog('bench', 'error') })

const build = async (target = store, checks = storeChecks) => {
  const startedMs = performance.now()
  const cpuBefore = process.cpuUsage()
  const result = await buildGold({
    store: target,
    files: openLocalFiles({ store: target, dir: path.join(dir, 'cache'), maxBytes: 0 }),
    openDuckDb,
    tempDir,
    log: createLog('bench', 'error'),
    nowMs: Date.now,
    audit: checks.audit,
    intakeMark: checks.intakeMark,
    isRetry: true,
  })
  await checks.settle(result.held !== null)
  const { user, system } = process.cpuUsage(cpuBefore)
  return {
    kind: result.full ?? 'increment',
    seconds: Math.round(performance.now() - startedMs) / 1000,
    cpuSeconds: Math.round((user + system) / 1000) / 1000,
    filesWritten: result.filesWritten,
    ratings: result.rows.fact_rating,
    maxRssMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  }
}

/** A full build of the same Silver into a lake that has no Gold. */
const rebuild = async () => {
  const copy = path.join(dir, 'copy')
  await cp(path.join(dir, 'lake', 'silver'), path.join(copy, 'silver'), { recursive: true })
  const target = openStore(`file:${copy}`)
  const result = await build(target, checksOf(target))
  await target.close()
  await rm(copy, { recursive: true })
  return result
}

const storeChecks = checksOf(store)
const show = (what: string, figures: unknown) => process.stdout.write(`${JSON.stringify({ what, ...(figures as object) })}\n`)
try {
  show('machine', { cpus: cpus().length, load: loadavg()[0], ratings })
  await addCatalogue()
  await addRows('ratings', ratingRows(`range(${ratings})`, { ageDays: anyDay }), MONTHS)
  show('full', await build())
  show('nothing changed', await build())
  const changed = Math.round(ratings / 100)
  const recent = `(SELECT i FROM range(${ratings}) r(i) WHERE ${anyDay} < 60 ORDER BY hash(i + 2) LIMIT ${changed})`
  await addRows('ratings', ratingRows(recent, { ageDays: anyDay, revision: 1 }))
  show(`${changed} ratings of the last two months`, await build())
  show('the same, full', await rebuild())
  const scattered = `(SELECT i FROM range(${ratings}) r(i) ORDER BY hash(i + 3) LIMIT ${changed})`
  await addRows('ratings', ratingRows(scattered, { ageDays: anyDay, revision: 2 }))
  show(`${changed} ratings of all months`, await build())
  show('the same, full', await rebuild())
} finally {
  await duckdb.close()
  await store.close()
  await rm(dir, { recursive: true, force: true })
}
