import {
  appendValue,
  type Column,
  type ColumnBatch,
  columnOf,
  type Field,
  newBatch,
  newColumn,
  valueAt,
} from '../../lake/columns/column.ts'
import { scan } from '../../lake/delta/scan.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { compileAvro } from '../../runtime/avro.ts'
import type { OutgoingRecord } from '../../runtime/kafka/producer.ts'
import type { Registry } from '../../runtime/registry.ts'
import { catalogue, dlqTopic, entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'
import { avroFields } from '../decode/avro-fields.ts'
import { eachRecord, type PartitionInput, prepareSchemas, recordCount } from '../decode/batches.ts'
import { createDecoder, type Decoder } from '../decode/decoder.ts'
import { createSchemaWatch, type DriftOptions, evolveAll } from '../decode/schema-watch.ts'
import { addOutcome, type Outcomes, type Stage, type StageTable } from '../stage.ts'
import { arrival } from '../time.ts'
import { arrivalMsOf } from './arrival.ts'
import { clean } from './clean.ts'
import { contentHash, TOMBSTONE_HASH } from './content-hash.ts'
import { deadLetter } from './dead-letter.ts'
import { createDedupe, type Dedupe } from './dedupe.ts'
import type { Freeze } from './freeze.ts'
import { judges, readRecord } from './read-record.ts'

const field = (name: string, type: Field['type']): Field => ({ name, type, nullable: true })

/** Columns that every Silver table has after its entity's own. */
export const silverColumns: readonly Field[] = [
  field('_key', { kind: 'string' }),
  field('_order', { kind: 'long' }),
  field('_event_time', { kind: 'timestamp' }),
  field('_hash', { kind: 'string' }),
  field('_late', { kind: 'boolean' }),
  field('_deleted', { kind: 'boolean' }),
  field('_topic_id', { kind: 'string' }),
  field('_partition', { kind: 'long' }),
  field('_offset', { kind: 'long' }),
  field('_schema_id', { kind: 'long' }),
  field('ingestion_timestamp', { kind: 'timestamp' }),
  field('ingestion_date', { kind: 'date' }),
]
const flagsField = field('_flags', { kind: 'list', element: { kind: 'string' } })

/** Silver keeps each accepted change of a key once, valid and clean; what is not valid is a dead letter. */
export const createSilver = ({ drift = evolveAll, ...rest }: { registry: Registry; store: ObjectStore; drift?: DriftOptions }): Stage => ({
  name: 'silver',
  groupId: 'readflow.silver',
  tables: entityNames.map((entity) => silverTable(entity, { ...rest, drift })),
})

const silverTable = (
  entity: EntityName,
  { registry, store, drift }: { registry: Registry; store: ObjectStore; drift: DriftOptions },
): StageTable => {
  const { schema, silverPartitions } = catalogue[entity]
  const decoder = silverDecoder(entity, registry)
  const watch = createSchemaWatch(entity, decoder, drift)
  const freeze = watch.policy === 'freeze' ? { entity, decoder, watch } : null
  const { fields } = avroFields(schema)
  const root = `silver/${entity}`
  let dedupe = createDedupe()

  return {
    entity,
    root,
    partitionColumns: ['ingestion_date', ...silverPartitions],
    fields: [...fields, ...silverColumns, flagsField],
    isComplete: false,
    deadLetterTopic: dlqTopic(entity),
    restore: async (snapshot, partitions, { keys, staged = [] } = {}) => {
      dedupe = createDedupe()
      const wanted = new Map(
        partitions.map(({ topicId, partition, below = Number.POSITIVE_INFINITY }) => [`${topicId}/${partition}`, below]),
      )
      const columns = ['_topic_id', '_partition', '_key', '_order', '_hash', '_offset']
      for await (const batch of scan(store, snapshot, { root, columns })) restoreFrom(dedupe, batch, wanted, keys)
      if (staged.length === 0) return
      const all = new Map([...wanted.keys()].map((id) => [id, Number.POSITIVE_INFINITY]))
      for await (const batch of scan(store, { ...snapshot, files: new Map(staged.map((file) => [file.path, file])) }, { root, columns }))
        restoreFrom(dedupe, batch, all, keys)
    },
    transform: async (inputs) => {
      await prepareSchemas(inputs, decoder)
      const schemaId = watch.look(inputs)
      const pending = dedupe.begin()
      const sorted = sortOut(entity, inputs, { decoder, fields, pending, freeze })
      return {
        schemaId,
        batch: finish(entity, sorted),
        outcomes: sorted.outcomes,
        deadLetters: sorted.deadLetters,
        accepted: pending.accept,
      }
    },
  }
}

/**
 * The row that each valid record is if it is accepted, whatever came before it (so `_late` is never true): for a check of what
 * the table has. `decoder` is one that reads into the entity's own schema.
 */
export const rowsOfRecords = async (entity: EntityName, inputs: readonly PartitionInput[], decoder: Decoder): Promise<ColumnBatch> => {
  await prepareSchemas(inputs, decoder)
  const { fields } = avroFields(catalogue[entity].schema)
  const pending = { offer: () => 'new' as const, accept: () => undefined }
  return finish(entity, sortOut(entity, inputs, { decoder, fields, pending, freeze: null }))
}

/** A decoder of an entity's records into its own schema. */
export const silverDecoder = (entity: EntityName, registry: Registry): Decoder =>
  createDecoder({ registry, reader: compileAvro(catalogue[entity].schema) })

/** Puts back the versions of `wanted` partitions, each up to its offset, of all keys or of some. */
const restoreFrom = (dedupe: Dedupe, batch: ColumnBatch, wanted: ReadonlyMap<string, number>, some?: ReadonlySet<string>) => {
  const [topicIds, partitions, keys, orders, hashes, offsets] = batch.fields.map(({ name }) => columnOf(batch, name)) as [
    Column,
    Column,
    Column,
    Column,
    Column,
    Column,
  ]
  for (let row = 0; row < batch.length; row++) {
    const id = `${valueAt(topicIds, row)}/${valueAt(partitions, row)}`
    if ((valueAt(offsets, row) as number) >= (wanted.get(id) ?? Number.NEGATIVE_INFINITY)) continue
    const key = valueAt(keys, row) as string
    if (!some || some.has(key)) dedupe.restore(id, key, { order: valueAt(orders, row) as number, hash: valueAt(hashes, row) as string })
  }
}

interface Sorted {
  batch: ColumnBatch
  /** By row, as are the partitions. */
  flags: string[][]
  partitions: number[]
  outcomes: Map<number, Outcomes>
  deadLetters: OutgoingRecord[]
}

/** Decodes, checks and dedupes in offset order: what is accepted goes into columns, the rest is counted. */
const sortOut = (
  entity: EntityName,
  inputs: readonly PartitionInput[],
  { decoder, fields, pending, freeze }: { decoder: Decoder; fields: Field[]; pending: ReturnType<Dedupe['begin']>; freeze: Freeze | null },
): Sorted => {
  const sorted: Sorted = {
    batch: newBatch([...fields, ...silverColumns], recordCount(inputs)),
    flags: [],
    partitions: [],
    outcomes: new Map(),
    deadLetters: [],
  }
  const { eventTimeField } = catalogue[entity]
  eachRecord(inputs, (record, input) => {
    const read = readRecord(entity, record, { decoder, freeze })
    if ('errorClass' in read) {
      sorted.deadLetters.push(deadLetter(dlqTopic(entity), record, input, read))
      addOutcome(sorted.outcomes, input.partition, `dead/${read.errorClass}`)
      return addOutcome(sorted.outcomes, input.partition, 'dead')
    }
    const eventTimeMs = eventTimeField === null ? null : ((read.value?.[eventTimeField] ?? null) as number | null)
    const version = { order: eventTimeMs ?? arrivalMsOf(record), hash: read.value === null ? TOMBSTONE_HASH : contentHash(read.value) }
    const verdict = pending.offer(`${input.topicId}/${input.partition}`, read.key, version, eventTimeMs !== null)
    addOutcome(sorted.outcomes, input.partition, verdict === 'repeat' ? 'repeat' : 'valid')
    if (verdict === 'repeat') return
    if (verdict === 'late') addOutcome(sorted.outcomes, input.partition, 'late')
    const { value } = read
    const { timeMs, day } = arrival(record.timestampMs)
    const cleared = new Set(read.warned.flatMap(({ value, fields: of }) => (value === 'nulled' ? of : [])))
    const system = [
      read.key,
      version.order,
      eventTimeMs,
      version.hash,
      verdict === 'late',
      value === null,
      input.topicId,
      input.partition,
      record.offset,
      read.schemaId,
      timeMs,
      day,
    ]
    for (const [index, { name }] of fields.entries())
      appendValue(sorted.batch.columns[index] as Column, value === null || cleared.has(name) ? null : value[name])
    for (const [index, each] of system.entries()) appendValue(sorted.batch.columns[fields.length + index] as Column, each)
    sorted.flags.push(read.warned.map(({ id }) => id))
    sorted.partitions.push(input.partition)
    sorted.batch.length++
  })
  return sorted
}

/** Cleans the accepted rows, puts their flags beside them, and counts what is flagged. */
const finish = (entity: EntityName, { batch, flags, partitions, outcomes }: Sorted): ColumnBatch => {
  const own = new Set(avroFields(catalogue[entity].schema).fields.map(({ name }) => name))
  const values = {
    ...batch,
    fields: batch.fields.filter(({ name }) => own.has(name)),
    columns: batch.columns.filter((_, index) => own.has(batch.fields[index]?.name ?? '')),
  }
  const { formats, formatRule } = judges[entity]
  const cleaned = clean(formats, values, (row, field, finding) => flags[row]?.push(formatRule(field, finding).id))
  for (const [row, partition] of partitions.entries()) for (const flag of flags[row] ?? []) addOutcome(outcomes, partition, `flag/${flag}`)
  const flagColumn = newColumn(flagsField.type, batch.length)
  for (const row of flags) appendValue(flagColumn, row)
  return {
    fields: [...cleaned.fields, ...silverColumns, flagsField],
    columns: [...cleaned.columns, ...batch.columns.slice(cleaned.columns.length), flagColumn],
    length: batch.length,
  }
}
