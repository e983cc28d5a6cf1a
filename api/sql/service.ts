import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { filePath } from '../../lake/delta/actions.ts'
import { openTable, type Table } from '../../lake/delta/table.ts'
import { sqlName, sqlText, sqlType, tableSql } from '../../lake/sql.ts'
import type { LocalFiles } from '../../lake/store/local-files.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { factsOf } from '../../lineage/conditions.ts'
import type { SqlParams } from '../../runtime/duckdb.ts'
import { Problem } from '../http/problem.ts'
import { deadLetterColumns, type ReadDeadLetters } from './dead-letters.ts'
import type { Filter } from './filters.ts'
import { splitExplain } from './guard.ts'
import type { SqlMetrics } from './metrics.ts'
import type { Lease, Pool } from './pool.ts'
import { asProblem, refusal } from './problems.ts'
import type { ResultColumn, SealedView } from './protocol.ts'
import { conditionsOf } from './prune.ts'
import { type Pins, pinTables } from './snapshots.ts'
import { type PinnedTable, type SqlTable, sqlTables } from './views.ts'

export interface SqlQuestion {
  sql: string
  params?: SqlParams | undefined
  /** Gold version to ask; the newest where none is given. */
  version?: number | undefined
  maxRows: number
  maxBytes: number
  /** Whether each row is told with the names of its columns, which then count as its bytes. */
  hasNamesInRows: boolean
  timeoutMs: number
  signal?: AbortSignal | undefined
}

/** What a result is of. */
export interface SqlHead {
  version: number | null
  completeThrough: string | null
  publishedAt: string | null
  /** Delta version of each table that was read, such as `silver.books`. */
  tables: Record<string, number>
  columns: ResultColumn[]
}

export interface SqlEnd {
  rowCount: number
  /** Whether there were more rows than it may have. */
  truncated: boolean
  elapsedMs: number
}

export interface SqlOptions {
  store: ObjectStore
  /** Copies of the lake's files: what SQL from outside reads is never the lake itself. */
  copies: LocalFiles
  /** Folder of those copies, which the workers are in: its name nobody needs to know. */
  copiesDir: string
  pool: Pool
  /** The newest Gold version that answers; null before the first. */
  newest: () => number | null
  readDeadLetters?: ReadDeadLetters
  metrics?: SqlMetrics
}

const known = new Map(sqlTables.map((table) => [table.name, table]))
const knownNames = new Set(known.keys())
const DEAD_LETTERS = 10_000

/** SQL from outside over pinned tables, in processes that can reach nothing but copies of the files that a query needs. */
export const openSql = ({ store, copies, copiesDir, pool, newest, readDeadLetters, metrics }: SqlOptions) => {
  const tables = new Map<string, Table>()
  const tableAt = (root: string): Table => {
    const table = tables.get(root) ?? openTable(store, root)
    tables.set(root, table)
    return table
  }
  const pins = (version: number | undefined) => pinTables({ store, tableAt }, { version, newest: newest() })
  let written = 0

  const judge = async (lease: Lease, sql: string) => {
    const said = await lease.ask({ kind: 'judge', sql, known: knownNames })
    if (said.kind !== 'judged') throw refusal(said.kind === 'failed' ? said.message : 'it can not be parsed')
    if (!said.judged.ok) throw refusal(said.judged.why)
    return said.judged
  }

  /** A view over those files of a table that the filters leave, and what it takes to read them. */
  const viewOf = async (
    { table, snapshot }: PinnedTable,
    mentions: readonly Filter[][],
    spent: { bytes: number },
    signal?: AbortSignal,
  ) => {
    const fields = snapshot.metadata!.fields
    const asked = table.isRowwise ? mentions.map((filters) => conditionsOf(filters, fields)) : [[]]
    const files = [...snapshot.files].filter(([, file]) => {
      const facts = factsOf(file)
      return asked.some((conditions) => conditions.every(({ mayHold }) => mayHold(facts)))
    })
    spent.bytes += files.reduce((sum, [, file]) => sum + file.size, 0)
    if (copies.maxBytes > 0 && spent.bytes > copies.maxBytes) throw tooMuch(spent.bytes, copies.maxBytes)
    const root = table.root!
    const held = await copies.hold(
      files.map(([, file]) => ({ path: `${root}/${filePath(file.path)}`, sizeBytes: file.size })),
      { signal },
    )
    const localPath = (name: string) => path.relative(copiesDir, held.localPath(`${root}/${name}`))
    const locals = files.map(([, file]) => localPath(filePath(file.path)))
    const rows = tableSql({ snapshot: { metadata: snapshot.metadata, files: new Map(files) }, localPath })
    return { view: { name: table.name, select: table.view(rows) }, files: locals, release: held.release }
  }

  const deadLettersView = async (signal?: AbortSignal) => {
    if (!readDeadLetters) throw new Problem(503, 'dead_letters is read from Kafka, and no broker is known here. Name it with --brokers.')
    const rows = await readDeadLetters({ limit: DEAD_LETTERS, signal })
    const file = `dead-letters-${written++}.ndjson`
    await writeFile(path.join(copiesDir, file), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    const columns = Object.entries(deadLetterColumns).map(([name, type]) => `${sqlName(name)}: ${sqlText(type)}`)
    const select = `SELECT * FROM read_json(${sqlText(file)}, format = 'newline_delimited', columns = {${columns.join(', ')}})`
    return {
      view: { name: 'dead_letters', select },
      files: [file],
      release: () => void rm(path.join(copiesDir, file), { force: true }).catch(() => undefined),
    }
  }

  const emptyView = async (table: SqlTable, pin: Pins['pin']): Promise<SealedView[]> => {
    const columns = await columnsOf(table, pin)
    if (!columns) return []
    const nothing = columns.map(({ name, type }) => `NULL::${type} AS ${sqlName(name)}`).join(', ')
    return [{ name: table.name, select: `SELECT ${nothing} WHERE false` }]
  }

  const prepare = async (
    reads: { tables: string[]; catalog: boolean },
    filters: ReadonlyMap<string, Filter[][]>,
    { pin }: Pins,
    signal?: AbortSignal,
  ) => {
    const views: SealedView[] = []
    const files: string[] = []
    const releases: (() => void)[] = []
    const spent = { bytes: 0 }
    const versions: Record<string, number> = {}
    const release = () => {
      for (const each of releases.splice(0)) each()
    }
    try {
      for (const name of reads.tables) {
        const table = known.get(name)!
        const pinned = await pin(table)
        if (table.root !== null && !pinned) throw refusal(`${name} has nothing yet`)
        const made = pinned ? await viewOf(pinned, filters.get(name) ?? [[]], spent, signal) : await deadLettersView(signal)
        if (pinned) versions[table.root!.replace('/', '.')] = pinned.snapshot.version
        views.push(made.view)
        files.push(...made.files)
        releases.push(made.release)
      }
      if (reads.catalog) {
        for (const table of sqlTables) if (!reads.tables.includes(table.name)) views.push(...(await emptyView(table, pin)))
      }
      return { views, files: [...new Set(files)].sort(), versions, release }
    } catch (error) {
      release()
      throw error
    }
  }

  const measured: typeof run = async (...question) => {
    const startedMs = performance.now()
    try {
      const ended = await run(...question)
      metrics?.ended(null, performance.now() - startedMs)
      return ended
    } catch (error) {
      metrics?.ended(error, performance.now() - startedMs)
      throw asProblem(error)
    }
  }

  /**
   * Runs one question: `begin` hears once what the result is of, `take` each batch of rows. Rejects with a Problem whose
   * text helps, whatever was asked.
   */
  const run = async (
    question: SqlQuestion,
    begin: (head: SqlHead) => void,
    take: (rows: unknown[][]) => void | Promise<void>,
  ): Promise<SqlEnd> => {
    const { sql, params, version, maxRows, maxBytes, hasNamesInRows, timeoutMs, signal } = question
    const { explain, select } = splitExplain(sql)
    const lease = await pool.lease({ timeoutMs, signal })
    let prepared: Awaited<ReturnType<typeof prepare>> | undefined
    try {
      const { reads, filters } = await judge(lease, select)
      const making = pins(version).then(async (pinned) => ({ ...(await prepare(reads, filters, pinned, lease.signal)), pinned }))
      const ready = await unless(lease.signal, making, (late) => late.release())
      prepared = ready
      const { published } = ready.pinned
      const head = {
        version: published?.version ?? null,
        completeThrough: published?.completeThrough ?? null,
        publishedAt: published?.publishedAt ?? null,
        tables: prepared.versions,
      }
      const { views, files } = prepared
      const limits = { maxRows, maxBytes, hasNamesInRows }
      const ended = await lease.ask({ kind: 'run', sql: `${explain}${select}`, params, views, files, ...limits }, async (said) => {
        if (said.kind === 'columns') begin({ ...head, columns: said.columns })
        else if (said.kind === 'batch') await take(said.rows)
      })
      if (ended.kind === 'done') return ended
      throw refusal(ended.kind === 'failed' ? ended.message.replaceAll(`${copiesDir}/`, '') : 'it has no result')
    } finally {
      lease.release()
      prepared?.release()
    }
  }

  const columnsOf = async (table: SqlTable, pin: Pins['pin']): Promise<ResultColumn[] | null> => {
    if (table.root === null) return Object.entries(deadLetterColumns).map(([name, type]) => ({ name, type }))
    const pinned = await pin(table)
    return pinned && pinned.snapshot.metadata!.fields.map(({ name, type }) => ({ name, type: sqlType(type) }))
  }

  /** The tables that there are, with their columns. */
  const schema = async (version?: number) => {
    const { pin, published } = await pins(version)
    const described = await Promise.all(
      sqlTables.map(async (table) => ({ name: table.name, layer: table.layer, what: table.what, columns: await columnsOf(table, pin) })),
    )
    return { version: published?.version ?? null, tables: described.filter(({ columns }) => columns !== null) }
  }

  return { run: measured, schema }
}

const inMiB = (bytes: number) => `${Math.ceil(bytes / 1024 ** 2)} MiB`

const tooMuch = (bytes: number, maxBytes: number) =>
  new Problem(
    422,
    `The query was refused: it reads files of ${inMiB(bytes)} or more, which is more than the ${inMiB(maxBytes)} that may be copied for it (--cache-max-bytes). Ask for fewer days or months.`,
  )

/** What a promise gives, unless the signal aborts before: then rejects with why, and what comes late is given to `drop`. */
const unless = async <T>(signal: AbortSignal, promise: Promise<T>, drop: (late: T) => void): Promise<T> => {
  const stopped = Promise.withResolvers<never>()
  const stop = () => stopped.reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    return await Promise.race([promise, stopped.promise])
  } catch (error) {
    promise.then(drop, () => undefined)
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

export type SqlService = ReturnType<typeof openSql>
