/**
 * A full build of Gold against increments, on the same lake and in one run, checks and profiles included: `node bench/gold-increment.ts [ratings]`. Silver is
 * made by SQL: 10,000 books with genres, 3,000 authors, ratings spread evenly over 36 months by 200,000 readers, in files of a day
 * each. Then 1 % of the ratings change, once within the last two months and once over all of them, and Gold is built by
 * increment; after each the same Silver is built anew into another lake.
 */
import { cp, mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { buildGold } from '../compactor/build.ts'
import { openChecks } from '../compactor/checks/open.ts'
import { inputColumns } from '../compactor/inputs.ts'
import type { Field } from '../lake/columns/column.ts'
import { commit } from '../lake/delta/commit.ts'
import { openTable } from '../lake/delta/table.ts'
import { openLocalFiles } from '../lake/store/local-files.ts'
import { openStore } from '../lake/store/open.ts'
import type { ObjectStore } from '../lake/store/store.ts'
import { openDuckDb } from '../runtime/duckdb.ts'
import { createLog } from '../runtime/log.ts'
import type { EntityName } from '../schemas/records.ts'

const ratings = Number(process.argv[2] ?? 5_000_000)
const MONTHS = 36
const dir = await mkdtemp(path.join(process.env['READFLOW_BENCH_DIR'] ?? tmpdir(), 'readflow-bench-'))
const tempDir = path.join(dir, 'tmp')
await mkdir(tempDir)
const store = openStore(`file:${path.join(dir, 'lake')}`)
const duckdb = await openDuckDb({ memoryLimit: '2GB', tempDir })

const kinds: Record<string, Field['type']> = {
  VARCHAR: { kind: 'string' },
  BIGINT: { kind: 'long' },
  DOUBLE: { kind: 'double' },
  BOOLEAN: { kind: 'boolean' },
  TIMESTAMPTZ: { kind: 'timestamp' },
  DATE: { kind: 'date' },
}
const structs: Record<string, Field[]> = {
  authors: ['author_id', 'name', 'role'].map((name) => ({ name, nullable: true, type: { kind: 'string' } })),
  shelves: [
    { name: 'name', nullable: true, type: { kind: 'string' } },
    { name: 'count', nullable: true, type: { kind: 'long' } },
  ],
}
const fieldsOf = (entity: EntityName): Field[] =>
  inputColumns[entity].map(([name, type]) => ({
    name,
    nullable: true,
    type: kinds[type] ?? { kind: 'list', element: { kind: 'struct', fields: structs[name] ?? [] } },
  }))

let files = 0
/** Commits the rows of a SELECT that gives some of an entity's columns, as one file for each month of `_order`, or as one. */
const addRows = async (entity: EntityName, select: string, months = 1) => {
  await duckdb.run(`CREATE OR REPLACE TABLE given AS ${select}`)
  const given = new Set((await duckdb.rows<{ column_name: string }>('DESCRIBE given')).map(({ column_name }) => column_name))
  const columns = inputColumns[entity].map(([name, type]) => `CAST(${given.has(name) ? name : 'NULL'} AS ${type}) AS ${name}`)
  const adds = []
  for (let month = 0; month < months; month++) {
    const local = path.join(tempDir, 'rows.parquet')
    const where = months === 1 ? '' : `WHERE age_days // 30 = ${month}`
    await duckdb.run(
      `COPY (SELECT ${columns.join(', ')} FROM given ${where} ORDER BY _key) TO '${local}' (FORMAT PARQUET, COMPRESSION ZSTD)`,
    )
    const [counted] = await duckdb.rows<{ n: number }>(`SELECT count(*) AS n FROM '${local}'`)
    const { size } = await stat(local)
    const file = `part-${files++}.zstd.parquet`
    await store.putFile(`silver/${entity}/${file}`, local)
    adds.push({
      path: file,
      partitionValues: {},
      size,
      modificationTime: 0,
      dataChange: true,
      stats: JSON.stringify({ numRecords: counted!.n }),
    })
  }
  await duckdb.run('DROP TABLE given')
  await commit(openTable(store, `silver/${entity}`), { operation: 'WRITE', fields: fieldsOf(entity), adds })
}

const END = "TIMESTAMPTZ '2026-11-01 00:00:00+00'"
const provenance = (key: string, offset: string, time: string, hash: string) => `
  ${key} AS _key, epoch_ms(${time}) AS _order, md5(${hash}) AS _hash, 'topic' AS _topic_id, 0 AS _partition, ${offset} AS _offset,
  false AS _deleted, ${time} AS ingestion_timestamp`
const genres = `['fantasy', 'horror', 'history', 'romance', 'poetry', 'mystery', 'science', 'classics', 'comics', 'humor', 'business', 'young-adult']`

const addCatalogue = async () => {
  await addRows(
    'books',
    `SELECT ${provenance("'b' || i", 'i', `${END} - INTERVAL 1200 DAY`, "'b' || i")}, 'b' || i AS book_id, 'Title ' || i AS title,
       CASE WHEN i % 5 = 0 THEN 'ger' ELSE 'eng' END AS language_code,
       [{author_id: 'a' || (i % 3000), name: 'Author ' || (i % 3000), role: NULL}] AS authors,
       [{name: ${genres}[1 + i % 12], count: 100}, {name: ${genres}[1 + (i * 7) % 12], count: 20}, {name: 'owned', count: 9}] AS shelves
     FROM range(10000) t(i)`,
  )
  await addRows(
    'authors',
    `SELECT ${provenance("'a' || i", 'i', `${END} - INTERVAL 1200 DAY`, "'a' || i")}, 'a' || i AS author_id, 'Author ' || i AS name FROM range(3000) t(i)`,
  )
}

/**
 * Ratings `from` to `to`, each of another reader and book, `ageDays` before the end. A later revision of the same ratings gives
 * other stars at a later second of the same day.
 */
const ratingRows = (rows: string, { ageDays, revision = 0 }: { ageDays: string; revision?: number }) => `
  SELECT ${provenance("user_id || ':' || book_id", `${revision} * 1000000000 + i`, 'rated', `'h${revision}' || i`)},
    user_id, book_id, 1 + (i + ${revision}) % 5 AS rating, rated AS rated_at, age_days
  FROM (SELECT i, 'u' || (i % 200000) AS user_id, 'b' || ((i % 200000) * 7919 + (i // 200000) * 397) % 10000 AS book_id, age_days,
    ${END} - to_days(CAST(age_days AS INTEGER) + 1) + to_seconds(hash(i) % 80000 + ${revision}) AS rated
    FROM (SELECT i, ${ageDays} AS age_days FROM ${rows} t(i)))`
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
