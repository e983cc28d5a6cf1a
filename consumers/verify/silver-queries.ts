import { sqlName } from '../../lake/sql.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import { partKey } from './claims.ts'
import type { OffsetRange, Offsets } from './offsets.ts'
import { hasColumn, type PinnedTable, valuesSql } from './tables.ts'

/** Rows or records that something is wrong with: how many, and the first of them. */
export interface Found extends Offsets {
  first: { key: string; offset: number }[]
}

export interface SilverPart {
  topicId: string
  partition: number
  /** What the table accounts for, less its named gaps. */
  ranges: readonly OffsetRange[]
  /** The part of it that Bronze has too. */
  joint: readonly OffsetRange[]
}

const MAX_SHOWN = 10

const MAX_RANGES = 20

const found = async (duckdb: DuckDb, sql: string): Promise<Map<string, Found>> => {
  const rows = await duckdb.rows<Omit<Found, 'count'> & { topicId: string; partition: number; n: number }>(`
    WITH f AS MATERIALIZED (${sql}),
      runs AS (SELECT t, p, min(o) AS a, max(o) + 1 AS b
        FROM (SELECT t, p, o, o - dense_rank() OVER (PARTITION BY t, p ORDER BY o) AS run FROM f) GROUP BY t, p, run)
    SELECT * FROM
      (SELECT t AS "topicId", p AS "partition", count(*) AS n, list({'key': k, 'offset': o} ORDER BY o)[1:${MAX_SHOWN}] AS "first" FROM f GROUP BY ALL)
      JOIN (SELECT t AS "topicId", p AS "partition", list({'from': a, 'to': b} ORDER BY a)[1:${MAX_RANGES}] AS "ranges" FROM runs GROUP BY ALL)
      USING ("topicId", "partition")`)
  return new Map(rows.map((row) => [partKey(row), { count: row.n, first: row.first, ranges: row.ranges }]))
}

/** Tables that the other queries join with. */
export const prepare = async (duckdb: DuckDb, parts: readonly SilverPart[]): Promise<void> => {
  const rows = (pick: (part: SilverPart) => readonly OffsetRange[]) =>
    parts.flatMap((part) => pick(part).map(({ from, to }) => [part.topicId, part.partition, from, to]))
  const columns = ['topic_id', 'part', 'from_offset', 'to_offset']
  await duckdb.run(
    valuesSql(
      'claimed',
      columns,
      rows(({ ranges }) => ranges),
    ),
  )
  await duckdb.run(
    valuesSql(
      'joint',
      columns,
      rows(({ joint }) => joint),
    ),
  )
}

const within = (table: 'claimed' | 'joint', alias: string, offset = '_offset', topicId = '_topic_id', part = '_partition') =>
  `JOIN ${table} c ON c.topic_id = ${alias}.${topicId} AND c.part = ${alias}.${part} AND ${alias}.${offset} >= c.from_offset AND ${alias}.${offset} < c.to_offset`
const sameOrigin = 'b._topic_id = s._topic_id AND b._partition = s._partition AND b._offset = s._offset'

/** Rows by partition, and those of them that are flagged as late. */
export const countSilver = async (duckdb: DuckDb): Promise<Map<string, { rows: number; late: number }>> => {
  const rows = await duckdb.rows<{ topicId: string; partition: number; rows: number; late: number }>(`
    SELECT _topic_id AS "topicId", _partition AS "partition", count(*) AS "rows", count(*) FILTER (_late) AS "late"
    FROM silver GROUP BY ALL`)
  return new Map(rows.map((row) => [partKey(row), row]))
}

/** Rows outside of what the table accounts for. */
export const outside = (duckdb: DuckDb) =>
  found(duckdb, `SELECT s._topic_id AS t, s._partition AS p, s._key AS k, s._offset AS o FROM silver s ANTI ${within('claimed', 's')}`)

/** Rows of one record that are there twice, and versions of a key that were accepted twice: those beyond the first. */
export const twice = (duckdb: DuckDb) =>
  found(
    duckdb,
    `SELECT _topic_id AS t, _partition AS p, any_value(_key) AS k, _offset AS o FROM silver GROUP BY t, p, o HAVING count(*) > 1
     UNION
     SELECT _topic_id AS t, _partition AS p, _key AS k, max(_offset) AS o FROM silver
     GROUP BY t, p, k, _order, _hash HAVING count(*) > 1`,
  )

/** When a record arrived: what was sent again by a redrive counts from the first time, which is never after its own. */
const arrivedSql = (bronze: PinnedTable) => {
  const own = 'epoch_ms(b.ingestion_timestamp)'
  if (!hasColumn(bronze, '_headers')) return own
  const header = (name: string) => `b._headers['readflow.${name}']`
  const of = `coalesce(nullif(${header('redrive-of')}, ''), ${header('reparse-of')})`
  const isRedriven = `regexp_full_match(${of}, '[^/\\s]{1,100}/[0-9]{1,9}/[0-9]{1,15}') AND regexp_full_match(${header('timestamp')}, '[0-9]{1,15}')`
  return `CASE WHEN ${isRedriven} THEN least(try_cast(${header('timestamp')} AS BIGINT), ${own}) ELSE ${own} END`
}

/** What a Bronze row says of its record: `ev` is its event time, `ord` its order among the changes of its key, in epoch ms. */
const bronzeColumns = (bronze: PinnedTable, eventTimeField: string | null) => {
  const eventTime = eventTimeField && hasColumn(bronze, eventTimeField) ? `epoch_ms(b.${sqlName(eventTimeField)})` : 'NULL::BIGINT'
  return { ev: eventTime, ord: `coalesce(${eventTime}, ${arrivedSql(bronze)})` }
}

/** Rows whose record is not in Bronze, though Bronze says that it has all of them there. */
export const absent = (duckdb: DuckDb) =>
  found(
    duckdb,
    `SELECT s._topic_id AS t, s._partition AS p, s._key AS k, s._offset AS o FROM silver s ${within('joint', 's')}
     ANTI JOIN bronze b ON ${sameOrigin}`,
  )

/** Rows whose record is in Bronze with another key, time or kind. A key that is no UTF-8 is not compared. */
export const strangers = (duckdb: DuckDb, bronze: PinnedTable, eventTimeField: string | null) => {
  const { ev, ord } = bronzeColumns(bronze, eventTimeField)
  return found(
    duckdb,
    `SELECT s._topic_id AS t, s._partition AS p, s._key AS k, s._offset AS o FROM silver s ${within('joint', 's')}
     JOIN bronze b ON ${sameOrigin}
     WHERE (b._key <> encode(s._key) AND NOT contains(s._key, chr(65533)))
       OR s._deleted <> (b._value_hash IS NULL)
       OR epoch_ms(s.ingestion_timestamp) <> epoch_ms(b.ingestion_timestamp)
       OR (b._error IS NULL AND (s._order <> ${ord} OR epoch_ms(s._event_time) IS DISTINCT FROM ${ev}))`,
  )
}

/** Dead letters by partition, of records that the table accounts for, and those of them whose record is a row now. */
export const countLetters = async (duckdb: DuckDb): Promise<Map<string, { letters: number; accepted: number }>> => {
  const rows = await duckdb.rows<{ topicId: string; partition: number; letters: number; accepted: number }>(`
    SELECT topic_id AS "topicId", part AS "partition", count(*) AS "letters", count(*) FILTER (EXISTS (
      SELECT 1 FROM silver s WHERE s._topic_id = topic_id AND s._partition = part AND s._offset = at_offset)) AS "accepted"
    FROM (SELECT l.* FROM letters l ${within('claimed', 'l', 'at_offset', 'topic_id', 'part')}) GROUP BY ALL`)
  return new Map(rows.map((row) => [partKey(row), row]))
}

/**
 * Records in Bronze that are neither rows nor dead letters, and yet no repeats: no accepted version of their key before
 * them has the same content and order, nor, where the record has no event time, is the newest of those of its content.
 * Content is the value's bytes or, where they differ (another schema), its fields, `fields` of Bronze.
 */
export const unaccounted = async (
  duckdb: DuckDb,
  bronze: PinnedTable,
  { eventTimeField, fields }: { eventTimeField: string | null; fields: readonly { name: string; empty: string | null }[] },
): Promise<Map<string, Found>> => {
  const { ev, ord } = bronzeColumns(bronze, eventTimeField)
  const columns = `b._topic_id AS t, b._partition AS p, b._offset AS o, b._key AS k, coalesce(b._value_hash, '') AS content, ${ev} AS ev, ${ord} AS ord`
  await duckdb.run(`CREATE OR REPLACE TABLE repeats AS SELECT ${columns} FROM bronze b ${within('joint', 'b')}
    ANTI JOIN silver s ON ${sameOrigin} ANTI JOIN letters l ON l.topic_id = b._topic_id AND l.part = b._partition AND l.at_offset = b._offset`)
  const value = fields
    .filter(({ name }) => hasColumn(bronze, name))
    .map(({ name, empty }) => (empty === null ? `b.${sqlName(name)}::VARCHAR` : `nullif(b.${sqlName(name)}::VARCHAR, '${empty}')`))
  const remaining = async (content: string, from: string) => {
    await duckdb.run(`CREATE OR REPLACE TABLE accepted AS SELECT ${columns.replace("coalesce(b._value_hash, '')", content)}, s._order AS s_ord, s._hash AS s_hash
      FROM silver s JOIN bronze b ON ${sameOrigin} SEMI JOIN repeats r ON r.t = b._topic_id AND r.p = b._partition AND r.k = b._key`)
    await duckdb.run(`CREATE OR REPLACE TABLE repeats AS SELECT r.* FROM ${from} r ANTI JOIN (
        SELECT r.t, r.p, r.o FROM ${from} r JOIN accepted a ON a.t = r.t AND a.p = r.p AND a.k = r.k AND a.o < r.o
        GROUP BY r.t, r.p, r.o, r.content, r.ord, r.ev
        HAVING bool_or(a.content = r.content AND a.s_ord = r.ord)
          OR (r.ev IS NULL AND arg_max(a.content, {'ord': a.s_ord, 'hash': a.s_hash}) = r.content)
      ) q ON q.t = r.t AND q.p = r.p AND q.o = r.o`)
    return (await duckdb.rows<{ n: number }>('SELECT count(*) AS n FROM repeats'))[0]?.n ?? 0
  }
  if ((await remaining("coalesce(b._value_hash, '')", 'repeats')) > 0 && value.length > 0) {
    // As text: what is null or empty in both is the same, and DuckDB compares no two of some types.
    const content = `CASE WHEN b._value_hash IS NULL THEN '' ELSE concat_ws('', ${value.map((sql) => `coalesce(${sql}, '\\0')`).join(", '|', ")}) END`
    await duckdb.run(`CREATE OR REPLACE TABLE repeats AS SELECT ${columns.replace("coalesce(b._value_hash, '')", content)}
      FROM bronze b SEMI JOIN repeats r ON r.t = b._topic_id AND r.p = b._partition AND r.o = b._offset`)
    await remaining(content, 'repeats')
  }
  // A version whose own record Bronze does not have (a named gap of its own, or lost) can be compared by its time only.
  await duckdb.run(`CREATE OR REPLACE TABLE by_time AS SELECT r.* FROM repeats r SEMI JOIN (
      SELECT s._topic_id AS t, s._partition AS p, s._offset AS o, encode(s._key) AS k, s._order AS ord
      FROM silver s SEMI JOIN repeats r ON r.t = s._topic_id AND r.p = s._partition AND r.k = encode(s._key)
      ANTI JOIN bronze b ON ${sameOrigin}
    ) a ON a.t = r.t AND a.p = r.p AND a.k = r.k AND a.o < r.o AND (r.ev IS NULL OR a.ord = r.ord)`)
  await duckdb.run(
    'CREATE OR REPLACE TABLE repeats AS SELECT r.* FROM repeats r ANTI JOIN by_time b ON b.t = r.t AND b.p = r.p AND b.o = r.o',
  )
  return found(duckdb, 'SELECT t, p, o, coalesce(try_cast(k AS VARCHAR), hex(k)) AS k FROM repeats')
}

/** Of what `unaccounted` took for repeats, how many it could compare by their time only, by partition. */
export const countByTime = async (duckdb: DuckDb): Promise<Map<string, number>> => {
  const rows = await duckdb.rows<{ topicId: string; partition: number; n: number }>(
    'SELECT t AS "topicId", p AS "partition", count(*) AS n FROM by_time GROUP BY ALL',
  )
  return new Map(rows.map((row) => [partKey(row), row.n]))
}
