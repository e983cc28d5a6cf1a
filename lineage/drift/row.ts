import { columnOf, valueAt } from '../../lake/columns/column.ts'
import { scan } from '../../lake/delta/scan.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Table } from '../../lake/delta/table.ts'
import type { TopicName } from '../../schemas/records.ts'
import { systemTables } from '../../schemas/system-tables.ts'
import { type Drift, type DriftKind, type DriftPolicy, driftId } from './drift.ts'

/** Where the table is in the lake. */
export const DRIFT_ROOT = 'ops/drift'

/** A finding as it stands in `ops/drift`. */
export interface RecordedDrift extends Drift {
  id: string
}

export const rowOf = (drift: Drift, recordedMs: number): Readonly<Record<string, unknown>> => ({
  drift_id: driftId(drift),
  found_at: drift.foundMs,
  entity: drift.entity,
  field: drift.field,
  kind: drift.kind,
  place: drift.place,
  policy: drift.policy,
  before: drift.before,
  after: drift.after,
  sample: drift.sample,
  source: drift.source,
  poll_id: drift.pollId,
  request_id: drift.requestId,
  topic: drift.topic,
  partition: drift.partition,
  offset: drift.offset,
  schema_id: drift.schemaId,
  recorded_at: recordedMs,
})

const columns = Object.keys(systemTables.drift.columns)

/** All that is on record, newest first. */
export const readDrifts = async ({ store, root }: Pick<Table, 'store' | 'root'>, snapshot: Snapshot): Promise<RecordedDrift[]> => {
  const wanted = columns.filter((name) => snapshot.metadata?.fields.some((field) => field.name === name))
  const found: RecordedDrift[] = []
  for await (const batch of scan(store, snapshot, { root, columns: wanted })) {
    const read = wanted.map((name) => columnOf(batch, name))
    for (let row = 0; row < batch.length; row++)
      found.push(driftOf(Object.fromEntries(wanted.map((name, index) => [name, valueAt(read[index]!, row)]))))
  }
  return found.sort((a, b) => b.foundMs - a.foundMs || (a.id < b.id ? -1 : 1))
}

/** What another hand wrote there in a wrong form is empty. */
const driftOf = (row: Readonly<Record<string, unknown>>): RecordedDrift => ({
  id: textOf(row['drift_id']) ?? '',
  entity: (textOf(row['entity']) ?? '') as TopicName,
  field: textOf(row['field']) ?? '',
  kind: (textOf(row['kind']) ?? '') as DriftKind,
  place: (textOf(row['place']) ?? '') as Drift['place'],
  policy: (textOf(row['policy']) ?? 'evolve') as DriftPolicy,
  before: textOf(row['before']),
  after: textOf(row['after']),
  sample: textOf(row['sample']),
  foundMs: Number(row['found_at'] ?? 0),
  source: textOf(row['source']),
  pollId: textOf(row['poll_id']),
  requestId: textOf(row['request_id']),
  topic: textOf(row['topic']),
  partition: numberOf(row['partition']),
  offset: numberOf(row['offset']),
  schemaId: numberOf(row['schema_id']),
})

const textOf = (value: unknown): string | null => (value === null || value === undefined ? null : String(value))
const numberOf = (value: unknown): number | null => (value === null || value === undefined ? null : Number(value))
