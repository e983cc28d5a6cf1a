import { hash } from 'node:crypto'
import { type Column, type ColumnBatch, columnOf, valueAt } from '../../lake/columns/column.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Table } from '../../lake/delta/table.ts'
import { type AvroCodec, compileAvro, frameAvro } from '../../runtime/avro.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { KafkaRecord } from '../../runtime/kafka/record-batch.ts'
import type { RecordChunk } from '../../runtime/kafka/record-reader.ts'
import type { Registry } from '../../runtime/registry.ts'
import { rowsOfRanges } from '../sink/replace-range.ts'
import type { PieceLimits, Pieces, RecordSource, Span } from './source.ts'

/*
 * A record as Kafka delivered it, made of its Bronze row. Where the row keeps the bytes (`_raw`) they are the value; else the
 * fields are encoded again by the schema that they were written with, and the row's hash of the value tells whether these are
 * the very bytes. Where they are not (an encoder that lays out maps in another way) the fields are the same nevertheless.
 */

export interface BronzeSourceOptions {
  table: Table
  snapshot: Snapshot
  topicId: string
  registry: Registry
  limits: PieceLimits
  /** Told of each record whose bytes are others than Kafka's were. */
  onReencoded: () => void
}

/** The records of one topic from Bronze's rows at a version. What Bronze covers is for the caller to ask beforehand. */
export const openBronzeSource = ({ table, snapshot, topicId, registry, limits, onReencoded }: BronzeSourceOptions): RecordSource => {
  const codecs = new Map<number, { codec: AvroCodec; names: readonly string[] } | null>()

  const prepare = async (schemaId: number) => {
    if (codecs.has(schemaId)) return
    const schema = (await registry.schemaById(schemaId)) as { fields?: { name: string }[] } | null
    codecs.set(schemaId, schema && { codec: compileAvro(schema), names: (schema.fields ?? []).map(({ name }) => name) })
  }

  const encoded = (row: Row): Buffer => {
    const known = codecs.get(row.schemaId ?? -1)
    if (!known) throw unknown(row, `the registry has no schema ${row.schemaId}`)
    try {
      const value = frameAvro(row.schemaId ?? 0, known.codec.encode(Object.fromEntries(known.names.map((name) => [name, row.field(name)]))))
      if (hash('sha256', value, 'hex') !== row.valueHash) onReencoded()
      return value
    } catch (cause) {
      throw unknown(row, `its fields do not fit schema ${row.schemaId}: ${cause instanceof Error ? cause.message : cause}`)
    }
  }

  const recordOf = (row: Row): KafkaRecord => {
    if (row.timestampMs === null) throw unknown(row, 'its timestamp lies in no year that a table holds')
    const { offset, timestampMs, isLogAppendTime, key, headers } = row
    const record = { offset, timestampMs, isLogAppendTime, key, headers }
    const oversized = /^too-large: the value has (\d+) bytes/.exec(row.error ?? '')?.[1]
    if (row.raw === null && oversized !== undefined)
      return { ...record, value: null, oversizedBytes: Number(oversized), oversizedHash: row.valueHash ?? '' }
    if (row.raw !== null) return { ...record, value: row.raw }
    return { ...record, value: row.valueHash === null ? null : encoded(row) }
  }

  const readWindow = async (spans: readonly Span[]): Promise<Pieces> => {
    const rows = new Map<number, Row[]>(spans.map(({ partition }) => [partition, []]))
    const ranges = spans.map(({ partition, from, to }) => ({ topicId, partition, from, to }))
    for await (const batch of rowsOfRanges(table, snapshot, ranges)) {
      const rowOf = rowReader(batch)
      for (let index = 0; index < batch.length; index++) {
        const row = rowOf(index)
        rows.get(row.partition)?.push(row)
      }
    }
    const schemaIds = new Set([...rows.values()].flat().map(({ schemaId }) => schemaId))
    for (const schemaId of schemaIds) if (schemaId !== null) await prepare(schemaId)
    return new Map(
      spans.map(({ partition, from, to }): [number, RecordChunk] => {
        const records = (rows.get(partition) ?? []).sort((a, b) => a.offset - b.offset).map(recordOf)
        return [partition, { records, fromOffset: from, nextOffset: to, decodedBytes: 0 }]
      }),
    )
  }

  return {
    read: async (spans, take, signal) => {
      const open = spans.filter(({ from, to }) => from < to).map((span) => ({ ...span }))
      const step = Math.max(1, Math.ceil(limits.maxRecords / Math.max(1, open.length)))
      for (let left = open; left.length > 0; left = left.filter(({ from, to }) => from < to)) {
        signal.throwIfAborted()
        const window = left.map(({ partition, from, to }) => ({ partition, from, to: Math.min(to, from + step) }))
        await take(await readWindow(window))
        for (const [index, { to }] of window.entries()) left[index]!.from = to
      }
    },
    close: async () => undefined,
  }
}

interface Row {
  partition: number
  offset: number
  timestampMs: number | null
  isLogAppendTime: boolean
  key: Buffer | null
  headers: [string, Buffer | null][]
  schemaId: number | null
  valueHash: string | null
  raw: Buffer | null
  error: string | null
  field: (name: string) => unknown
}

const bytesOf = (value: unknown): Buffer | null => (value === null ? null : Buffer.from(value as Uint8Array))

const rowReader = (batch: ColumnBatch) => {
  const columns = new Map<string, Column>(batch.fields.map(({ name }) => [name, columnOf(batch, name)]))
  const at = (name: string, row: number) => valueAt(columns.get(name)!, row)
  return (row: number): Row => ({
    partition: at('_partition', row) as number,
    offset: at('_offset', row) as number,
    timestampMs: at('ingestion_timestamp', row) as number | null,
    isLogAppendTime: at('_timestamp_type', row) === 'LogAppendTime',
    key: bytesOf(at('_key', row)),
    headers: Object.entries((at('_headers', row) ?? {}) as Record<string, string | null>).map(([name, value]) => [
      name,
      value === null ? null : Buffer.from(value, 'utf8'),
    ]),
    schemaId: at('_schema_id', row) as number | null,
    valueHash: at('_value_hash', row) as string | null,
    raw: bytesOf(at('_raw', row)),
    error: at('_error', row) as string | null,
    field: (name) => (columns.has(name) ? at(name, row) : null),
  })
}

const unknown = ({ partition, offset }: Row, why: string) =>
  new ReadflowError('records-lost', `The record at ${partition}:${offset} can not be had again from Bronze: ${why}.`, {
    hint: 'Begin the replay after it (--partition, --from).',
  })
