import { stat } from 'node:fs/promises'
import path from 'node:path'
import { inputColumns } from '../compactor/inputs.ts'
import type { Field } from '../lake/columns/column.ts'
import { commit } from '../lake/delta/commit.ts'
import { openTable } from '../lake/delta/table.ts'
import type { ObjectStore } from '../lake/store/store.ts'
import type { DuckDb } from '../runtime/duckdb.ts'
import type { EntityName } from '../schemas/records.ts'

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

const END = "TIMESTAMPTZ '2026-11-01 00:00:00+00'"
const provenance = (key: string, offset: string, time: string, hash: string) => `
  ${key} AS _key, epoch_ms(${time}) AS _order, md5(${hash}) AS _hash, 'topic' AS _topic_id, 0 AS _partition, ${offset} AS _offset,
  false AS _deleted, ${time} AS ingestion_timestamp`
const genres = `['fantasy', 'horror', 'history', 'romance', 'poetry', 'mystery', 'science', 'classics', 'comics', 'humor', 'business', 'young-adult']`

/**
 * Ratings `from` to `to`, each of another reader and book, `ageDays` before the end. A later revision of the same ratings gives
 * other stars at a later second of the same day.
 */
export const ratingRows = (rows: string, { ageDays, revision = 0 }: { ageDays: string; revision?: number }) => `
  SELECT ${provenance("user_id || ':' || book_id", `${revision} * 1000000000 + i`, 'rated', `'h${revision}' || i`)},
    user_id, book_id, 1 + (i + ${revision}) % 5 AS rating, rated AS rated_at, age_days
  FROM (SELECT i, 'u' || (i % 200000) AS user_id, 'b' || ((i % 200000) * 7919 + (i // 200000) * 397) % 10000 AS book_id, age_days,
    ${END} - to_days(CAST(age_days AS INTEGER) + 1) + to_seconds(hash(i) % 80000 + ${revision}) AS rated
    FROM (SELECT i, ${ageDays} AS age_days FROM ${rows} t(i)))`

/** Makes Silver by SQL, with no records and no Kafka. */
export const createSilverMaker = ({ store, duckdb, tempDir }: { store: ObjectStore; duckdb: DuckDb; tempDir: string }) => {
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

  /** 10,000 books with genres, 3,000 authors. */
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

  return { addRows, addCatalogue }
}
