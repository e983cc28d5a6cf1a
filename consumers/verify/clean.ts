import { sqlText } from '../../lake/sql.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import type { DeliveredRecord, SecondReader } from '../../runtime/kafka/second/reader.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import { cleanTopic } from '../../schemas/clean.ts'
import type { EntityName } from '../../schemas/records.ts'
import { parseCleanMetadata } from '../clean/offsets.ts'
import { progressId, readLedger } from '../sink/ledger.ts'
import { type PinnedTable, valuesSql } from './tables.ts'

/** What was found of one clean topic. */
export interface CleanReport {
  topic: string
  /** Keys that the topic has to have, and those of them that changed since the table's version. */
  keys: number
  changedSince: number
  proof: 'proved' | 'FAILED' | 'not compared'
  faults: string[]
  notes: string[]
}

const GROUP = 'readflow.clean'
const ROWS_AT_ONCE = 20_000
const MAX_SHOWN = 10

/**
 * Whether the last record of each key of a clean topic is the key's current row among those that the group says are
 * published, on the view `silver`. Null where the stage never ran.
 */
export const verifyClean = async (
  { duckdb, reader }: { duckdb: DuckDb; reader: SecondReader },
  entity: EntityName,
  silver: PinnedTable,
): Promise<CleanReport | null> => {
  const { topic: source } = catalogue[entity]
  const topic = cleanTopic(entity)
  // Before the topic: what they say is published is there to be read.
  const committed = await reader.committed(GROUP, source)
  const [state, from] = [await reader.topic(topic), await reader.topic(source)]
  const isUsed = committed.length > 0 || (state?.partitions ?? []).some(({ end }) => end > 0)
  if (!isUsed || !silver.snapshot.metadata) return null
  const report: CleanReport = { topic, keys: 0, changedSince: 0, proof: 'not compared', faults: [], notes: [] }
  const notCompared = (why: string): CleanReport => ({ ...report, notes: [why] })
  if (!state) return notCompared('the topic is gone')
  if (!from) return notCompared(`${source}, which it is made of, is gone`)
  if (committed.length === 0) return notCompared(`the group ${GROUP} has no offsets: it was deleted, or is about to commit its first`)
  const published: [string, number, number][] = []
  for (const { partition, offset, metadata } of committed) {
    const of = { stage: 'silver', clusterId: reader.clusterId, topicId: from.id, partition }
    const { progress, epoch } = readLedger(silver.snapshot, progressId(of))
    const ours = parseCleanMetadata(offset, metadata)
    const isSame = ours?.identity.tableId === silver.snapshot.metadata.id && ours.identity.topicId === from.id
    if (!isSame || ours.epoch !== (epoch ?? 0) || ours.identity.cleanTopicId !== state.id)
      return notCompared('the group was reset, or the topic is yet to be compared with a table that was replayed or replaced')
    published.push([from.id, partition, Math.min(offset, progress ?? 0)])
  }
  await duckdb.run(valuesSql('published', ['topic_id', 'part', 'to_offset'], published))
  await loadRecords(duckdb, reader, { topic, ...state })
  const [counts] = await duckdb.rows<{ keys: number; changed: number }>(
    comparison('count(*) FILTER (live) AS keys, count(*) FILTER (is_changed) AS changed', from.id),
  )
  const faults = await duckdb.rows<{ fault: string; n: number; keys: string[] }>(
    `${comparison(`fault, count(*) AS n, list(key ORDER BY key)[1:${MAX_SHOWN}] AS keys`, from.id)} WHERE fault IS NOT NULL AND NOT is_changed GROUP BY fault ORDER BY fault`,
  )
  const lines = faults.map(({ fault, n, keys }) => `${n} ${fault}: ${keys.map((key) => key.slice(0, 60) || '""').join(', ')}`)
  const { keys = 0, changed = 0 } = counts ?? {}
  return { ...report, keys, changedSince: changed, faults: lines, proof: lines.length > 0 ? 'FAILED' : 'proved' }
}

/** Each key with its current published row and its last record. */
const comparison = (columns: string, topicId: string) => `
  WITH current AS (
      SELECT s._key AS key, arg_max({'o': s._order, 'h': s._hash, 'd': s._deleted}, {'o': s._order, 'h': s._hash}) AS is_row
      FROM silver s LEFT JOIN published p ON p.topic_id = s._topic_id AND p.part = s._partition
      WHERE s._topic_id <> ${sqlText(topicId)} OR s._offset < p.to_offset GROUP BY ALL),
    last AS (
      SELECT r.key, arg_max({'o': r.o, 'h': r.h, 'd': r.d}, r.n) AS is_record,
        bool_or(r.topic_id = ${sqlText(topicId)} AND r.at_offset >= coalesce(p.to_offset, 0)) AS is_changed
      FROM clean_read r LEFT JOIN published p ON p.topic_id = r.topic_id AND p.part = r.part GROUP BY ALL),
    joined AS (
      SELECT coalesce(c.key, l.key) AS key, coalesce(l.is_changed, false) AS is_changed, coalesce(NOT c.is_row.d, false) AS live,
        CASE
          WHEN NOT c.is_row.d AND (l.key IS NULL OR l.is_record.d) THEN 'keys of the table that the topic does not have'
          WHEN (c.key IS NULL OR c.is_row.d) AND NOT l.is_record.d THEN 'keys of the topic that the table does not have, or has as deleted'
          WHEN NOT c.is_row.d AND (c.is_row.o, c.is_row.h) IS DISTINCT FROM (l.is_record.o, l.is_record.h) THEN 'keys with another version than in the table'
        END AS fault
      FROM current c FULL JOIN last l ON l.key = c.key)
  SELECT ${columns} FROM joined`

interface CleanRecords {
  topic: string
  id: string
  partitions: readonly { partition: number; logStart: number; end: number }[]
}

/** Puts every record of a clean topic into the DuckDB table `clean_read`. */
const loadRecords = async (duckdb: DuckDb, reader: SecondReader, { topic, id, partitions }: CleanRecords) => {
  await duckdb.run(
    'CREATE OR REPLACE TABLE clean_read (n BIGINT, key VARCHAR, o BIGINT, h VARCHAR, d BOOLEAN, topic_id VARCHAR, part BIGINT, at_offset BIGINT)',
  )
  let lines: string[] = []
  let count = 0
  const save = async () => {
    await duckdb.run(
      `INSERT INTO clean_read SELECT (j->>0)::BIGINT, j->>1, (j->>2)::BIGINT, j->>3, (j->>4)::BOOLEAN, j->>5, (j->>6)::BIGINT, (j->>7)::BIGINT
       FROM (SELECT unnest($1)::JSON AS j)`,
      [lines],
    )
    lines = []
  }
  for (const { partition, logStart, end } of partitions)
    for await (const { records } of reader.read({ topic, topicId: id, partition, from: logStart, to: end })) {
      for (const record of records) {
        const { key, value } = record
        const [order, hash, topicId, part, offset] = ['order', 'hash', 'topic-id', 'partition', 'offset'].map((name) =>
          headerOf(record, name),
        )
        lines.push(
          JSON.stringify([count++, key?.toString() ?? null, wholeOf(order), hash, value === null, topicId, wholeOf(part), wholeOf(offset)]),
        )
      }
      if (lines.length >= ROWS_AT_ONCE) await save()
    }
  if (lines.length > 0) await save()
}

const headerOf = ({ headers }: DeliveredRecord, name: string): string | null =>
  headers.findLast(([key]) => key?.toString() === `readflow.${name}`)?.[1]?.toString() ?? null

/** What somebody else wrote there may be no number. */
const wholeOf = (text: string | null | undefined): number | null => (/^-?\d{1,15}$/.test(text ?? '') ? Number(text) : null)
