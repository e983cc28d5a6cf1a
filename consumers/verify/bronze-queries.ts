import type { DuckDb } from '../../runtime/duckdb.ts'
import { partKey } from './claims.ts'
import { CHUNK, type Chunks, type Content, digestSql } from './compare.ts'
import type { Step } from './ledger.ts'
import type { OffsetRange } from './offsets.ts'
import { valuesSql } from './tables.ts'

/** Ranges of one partition. */
export interface PartRanges {
  topicId: string
  partition: number
  ranges: readonly OffsetRange[]
}

export interface PartRows {
  topicId: string
  partition: number
  rows: number
  first: number
  last: number
}

const MAX_STEPS = 100_000

/** How many rows of each partition a table has, and between which offsets. */
export const rowsOf = (duckdb: DuckDb, view: string): Promise<PartRows[]> =>
  duckdb.rows<PartRows>(`
    SELECT _topic_id AS "topicId", _partition AS "partition", count(*) AS "rows", min(_offset) AS "first", max(_offset) AS "last"
    FROM ${view} GROUP BY ALL ORDER BY ALL`)

/** The first row of each partition, and those that do not follow the row before by their own ledger. */
export const stepsOf = async (duckdb: DuckDb): Promise<Map<string, Step[]>> => {
  const rows = await duckdb.rows<Step & { topicId: string; partition: number }>(`
    SELECT * FROM (
      SELECT _topic_id AS "topicId", _partition AS "partition", _offset AS "offset", coalesce(_undelivered_before, 0) AS "undelivered",
        lag(_offset) OVER (PARTITION BY _topic_id, _partition ORDER BY _offset) AS "before"
      FROM bronze
    ) WHERE "before" IS NULL OR "offset" - "before" - 1 <> "undelivered" ORDER BY "topicId", "partition", "offset" LIMIT ${MAX_STEPS}`)
  return Map.groupBy(rows, partKey)
}

/** Sums of the rows of some ranges, by partition. */
export const chunksOf = async (duckdb: DuckDb, parts: readonly PartRanges[]): Promise<Map<string, Chunks>> => {
  await duckdb.run(segmentsSql(parts))
  const digits = digestSql('_value_hash', '_key').map((sql, at) => `(${sql})::BIGINT AS d${at}`)
  const sums = [0, 1, 2, 3].map((at) => `sum(d${at} * weight)::BIGINT AS s${at}`)
  const rows = await duckdb.rows<Record<'partition' | 'chunk' | 'n' | 's0' | 's1' | 's2' | 's3', number> & { topicId: string }>(`
    SELECT "topicId", "partition", "chunk", count(*) AS n, ${sums.join(', ')} FROM (
      SELECT _topic_id AS "topicId", _partition AS "partition", _offset // ${CHUNK} AS "chunk", _offset % ${CHUNK} + 1 AS weight,
        ${digits.join(', ')}
      FROM bronze JOIN segments s ON _topic_id = s.topic_id AND _partition = s.part AND _offset >= s.from_offset AND _offset < s.to_offset
    ) GROUP BY ALL`)
  const byPart = new Map<string, Chunks>()
  for (const row of rows) {
    const chunks = byPart.get(partKey(row)) ?? new Map()
    byPart.set(partKey(row), chunks)
    chunks.set(row.chunk, { count: row.n, sums: [row.s0, row.s1, row.s2, row.s3] })
  }
  return byPart
}

const segmentsSql = (parts: readonly PartRanges[]) =>
  valuesSql(
    'segments',
    ['topic_id', 'part', 'from_offset', 'to_offset'],
    parts.flatMap(({ topicId, partition, ranges }) => ranges.map(({ from, to }) => [topicId, partition, from, to])),
  )

/** How many rows lie in some ranges, by partition. */
export const countIn = async (duckdb: DuckDb, view: string, parts: readonly PartRanges[]): Promise<Map<string, number>> => {
  await duckdb.run(segmentsSql(parts))
  const rows = await duckdb.rows<{ topicId: string; partition: number; n: number }>(`
    SELECT _topic_id AS "topicId", _partition AS "partition", count(*) AS n
    FROM ${view} JOIN segments s ON _topic_id = s.topic_id AND _partition = s.part AND _offset >= s.from_offset AND _offset < s.to_offset
    GROUP BY ALL`)
  return new Map(rows.map((row) => [partKey(row), row.n]))
}

/** Rows outside of all of these ranges, by partition, in order. At most `limit` of them all. */
export const offsetsOutside = async (
  duckdb: DuckDb,
  view: string,
  parts: readonly PartRanges[],
  limit = 10_000,
): Promise<Map<string, number[]>> => {
  await duckdb.run(segmentsSql(parts))
  const rows = await duckdb.rows<{ topicId: string; partition: number; offset: number }>(`
    SELECT _topic_id AS "topicId", _partition AS "partition", _offset AS "offset"
    FROM ${view} ANTI JOIN segments s ON _topic_id = s.topic_id AND _partition = s.part AND _offset >= s.from_offset AND _offset < s.to_offset
    ORDER BY ALL LIMIT ${limit}`)
  const byPart = new Map<string, number[]>()
  for (const row of rows) byPart.set(partKey(row), [...(byPart.get(partKey(row)) ?? []), row.offset])
  return byPart
}

/** The rows of one partition from `from` to `to` (exclusive), in order. */
export const contentsOf = (
  duckdb: DuckDb,
  { topicId, partition, from, to }: OffsetRange & { topicId: string; partition: number },
): Promise<Content[]> =>
  duckdb.rows<Content>(
    `SELECT _offset AS "offset", _value_hash AS "valueHash", lower(hex(_key)) AS "key" FROM bronze
     WHERE _topic_id = $topicId AND _partition = $partition AND _offset >= $from AND _offset < $to ORDER BY _offset`,
    { topicId, partition, from, to },
  )
