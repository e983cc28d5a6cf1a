import { randomUUID } from 'node:crypto'
import { type AddFile, filePath } from '../../lake/delta/actions.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Table } from '../../lake/delta/table.ts'
import type { Published } from '../../lake/published.ts'
import { tableSql } from '../../lake/sql.ts'
import type { HeldFiles, LocalFiles } from '../../lake/store/local-files.ts'
import { type Condition, factsOf } from '../../lineage/conditions.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import { type AnswerCache, createAnswerCache } from './answer-cache.ts'

/** One published Gold: everything read through it is of this version, whatever is published meanwhile. */
export interface GoldVersion {
  version: number
  /** Id of the build that it is: versions of two lakes may have the same number. */
  publishId: string
  publishedAt: string
  completeThrough: string | null
  completeThroughByEntity: Readonly<Record<string, string | null>>
  /** Delta version of each Silver table that it was built from. */
  inputs: Readonly<Record<string, number>>
  /** SQL name of a Gold table other than the facts, or of a table that the API derives from them. */
  table: (name: string) => string
  /**
   * SQL in the names that people use (`gold_dim_book`), in those of this version; of those in `relations`, without `gold_`, what
   * stands there. What stands in quotes stays.
   */
  expand: (sql: string, relations?: Readonly<Record<string, string>>) => string
  /**
   * Does work on the rows of a fact table that may meet the conditions: `relation` is SQL that stands for them, over only
   * the files that partitions and statistics leave. The conditions themselves are still to be asked.
   */
  scan: <T>(name: string, conditions: readonly Condition[], work: (relation: string) => Promise<T>) => Promise<T>
  rows: DuckDb['rows']
  stream: DuckDb['stream']
  /** Answers that are the same for the life of the version. */
  answers: AnswerCache
}

/** Tables made once a version out of its Gold, by name: SQL that is given the names of the Gold tables. */
export type DerivedTables = Readonly<Record<string, (table: GoldVersion['table']) => string>>

/** A version as the reader holds it. */
export interface OpenVersion extends GoldVersion {
  /** Takes its views out of the database and lets go of its files. */
  drop: () => Promise<void>
}

/** A table, or some of its files. */
type Rows = Pick<Snapshot, 'metadata'> & { files: ReadonlyMap<string, AddFile> }

/** What is at most this large is read into memory once a version: every chart and list asks for it. */
const MEMORY_TABLE_BYTES = 8 * 1024 ** 2

/**
 * Opens one published Gold: a database of its own in memory with a table or view for each table other than the facts, over exactly the
 * Delta versions that the entry names, and the derived tables. Rejects, and leaves nothing, where one of them can't be read.
 */
export const createVersion = async ({
  files,
  duckdb,
  published,
  tableAt,
  derived,
  onAnswer,
}: {
  files: LocalFiles
  duckdb: DuckDb
  published: Published
  /** The table at a root; kept by the caller, so that its log is not read from the beginning for every version. */
  tableAt: (root: string) => Table
  derived: DerivedTables
  onAnswer?: ((isHit: boolean) => void) | undefined
}): Promise<OpenVersion> => {
  // A name of its own each time: an attempt that failed half way leaves nothing in the way of the next.
  const database = `gold_v${published.version}_${randomUUID().slice(0, 8)}`
  const table = (name: string) => `${database}.gold_${name}`
  const facts = new Map<string, Snapshot>()
  const held: HeldFiles[] = []
  const drop = async () => {
    await duckdb.run(`DETACH DATABASE IF EXISTS ${database}`)
    for (const { release } of held.splice(0)) release()
  }
  const hold = async (root: string, snapshot: Rows) => {
    const wanted = [...snapshot.files.values()].map((file) => ({ path: `${root}/${filePath(file.path)}`, sizeBytes: file.size }))
    const { localPath, release } = await files.hold(wanted)
    return { select: tableSql({ snapshot, localPath: (path) => localPath(`${root}/${path}`) }), localPath, release }
  }
  const open = async (name: string, snapshot: Snapshot) => {
    const { select, localPath, release } = await hold(`gold/${name}`, snapshot)
    const bytes = [...snapshot.files.values()].reduce((sum, { size }) => sum + size, 0)
    const isSmall = bytes <= MEMORY_TABLE_BYTES
    // Views go on reading their files; what was copied into memory needs them no longer.
    if (!isSmall) held.push({ localPath, release })
    try {
      await duckdb.run(`CREATE ${isSmall ? 'TABLE' : 'VIEW'} ${table(name)} AS ${select}`)
    } finally {
      if (isSmall) release()
    }
  }
  // A database of its own: an answer that is still read holds back what is dropped meanwhile, but of its own database alone.
  await duckdb.run(`ATTACH ':memory:' AS ${database} (COMPRESS)`)
  try {
    for (const [name, version] of Object.entries(published.tables)) {
      const snapshot = await tableAt(`gold/${name}`).snapshot({ version })
      if (name.startsWith('fact_')) facts.set(name, snapshot)
      else await open(name, snapshot)
    }
    for (const [name, sql] of Object.entries(derived)) await duckdb.run(`CREATE TABLE ${table(name)} AS ${sql(table)}`)
    // Which compresses the tables: a tenth of the memory, and faster to read.
    await duckdb.run(`CHECKPOINT ${database}`)
  } catch (error) {
    await drop()
    throw error
  }

  const scan: GoldVersion['scan'] = async (name, conditions, work) => {
    const snapshot = facts.get(name)
    if (!snapshot) throw new Error(`Gold version ${published.version} has no ${name}`)
    const left = [...snapshot.files.entries()].filter(([, file]) => {
      const known = factsOf(file)
      return conditions.every(({ mayHold }) => mayHold(known))
    })
    const { select, release } = await hold(`gold/${name}`, { metadata: snapshot.metadata, files: new Map(left) })
    try {
      return await work(`(${select})`)
    } finally {
      release()
    }
  }
  return {
    version: published.version,
    publishId: published.publishId,
    publishedAt: published.publishedAt,
    completeThrough: published.completeThrough,
    completeThroughByEntity: published.completeThroughByEntity,
    inputs: published.inputs,
    table,
    expand: (sql, relations = {}) =>
      sql.replaceAll(/'(?:[^']|'')*'|\bgold_(\w+)/g, (found, name?: string) =>
        name === undefined ? found : (relations[name] ?? table(name)),
      ),
    scan,
    rows: duckdb.rows,
    stream: duckdb.stream,
    answers: createAnswerCache(onAnswer),
    drop,
  }
}
