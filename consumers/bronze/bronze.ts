import { hash } from 'node:crypto'
import { appendValue, type Column, type Field } from '../../lake/columns/column.ts'
import type { KafkaRecord } from '../../runtime/kafka/record-batch.ts'
import type { Registry } from '../../runtime/registry.ts'
import { catalogue, topicNames } from '../../schemas/catalogue.ts'
import type { TopicName } from '../../schemas/records.ts'
import { avroFields } from '../decode/avro-fields.ts'
import { eachRecord, type PartitionInput, prepareSchemas, recordCount } from '../decode/batches.ts'
import { createDecoder, type Decoder, tooLarge } from '../decode/decoder.ts'
import { firstValueAt, withoutFields } from '../decode/schema-fields.ts'
import { createSchemaWatch, type DriftOptions, evolveAll, type SchemaWatch } from '../decode/schema-watch.ts'
import { addOutcome, type Outcomes, type Stage, type StageTable } from '../stage.ts'
import { arrival } from '../time.ts'
import { createRowBatch, type RowBatch } from './row-batch.ts'

const field = (name: string, type: Field['type']): Field => ({ name, type, nullable: true })

/** Columns that tell where a row came from; every Bronze table has them, after its values. */
export const bronzeColumns: readonly Field[] = [
  field('_topic', { kind: 'string' }),
  field('_topic_id', { kind: 'string' }),
  field('_partition', { kind: 'long' }),
  field('_offset', { kind: 'long' }),
  field('_timestamp_type', { kind: 'string' }),
  field('_key', { kind: 'binary' }),
  field('_headers', { kind: 'map', value: { kind: 'string' } }),
  field('_schema_id', { kind: 'long' }),
  field('_value_hash', { kind: 'string' }),
  field('_raw', { kind: 'binary' }),
  field('_error', { kind: 'string' }),
  field('_undelivered_before', { kind: 'long' }),
  field('ingestion_timestamp', { kind: 'timestamp' }),
  field('ingestion_date', { kind: 'date' }),
]
const reserved = new Set(bronzeColumns.map(({ name }) => name))

/** How the fields of one writer schema reach the columns of a batch. */
interface Plan {
  targets: { name: string; column: Column; convert: (value: unknown) => unknown }[]
  problem: string | null
  /** Fields that are left out; a record with a value there keeps its bytes. */
  discarded: readonly string[]
}

const planFor = (writer: object, rows: RowBatch, discarded: readonly string[]): Plan => {
  const schema = discarded.length === 0 ? writer : withoutFields(writer, new Set(discarded))
  const { fields, converts, unrepresented } = avroFields(schema)
  const problems = unrepresented.map((name) => `field ${name} has a type or name that no column can hold`)
  const targets: Plan['targets'] = []
  for (const each of fields) {
    const column = reserved.has(each.name) ? null : rows.column(each)
    if (column) targets.push({ name: each.name, column, convert: converts.get(each.name) ?? ((value) => value) })
    else problems.push(`field ${each.name} has another type than its column`)
  }
  return { targets, problem: problems.length > 0 ? problems.join('; ') : null, discarded }
}

/** Bronze keeps what every offset delivered: decoded where it can be, else as bytes with the reason. */
export const createBronze = ({ registry, drift = evolveAll }: { registry: Registry; drift?: DriftOptions }): Stage => ({
  name: 'bronze',
  groupId: 'readflow.bronze',
  tables: topicNames.map((entity) => bronzeTable(entity, createDecoder({ registry }), drift)),
})

const bronzeTable = (entity: TopicName, decoder: Decoder, drift: DriftOptions): StageTable => {
  const watch = createSchemaWatch(entity, decoder, drift)
  return {
    entity,
    root: `bronze/${entity}`,
    partitionColumns: ['ingestion_date'],
    fields: [...avroFields(catalogue[entity].schema).fields, ...bronzeColumns],
    isComplete: true,
    deadLetterTopic: null,
    restore: async () => undefined,
    transform: async (inputs, tableFields) => {
      await prepareSchemas(inputs, decoder)
      const schemaId = watch.look(inputs)
      const outcomes = new Map<number, Outcomes>()
      // The table's own columns come first, so that a value of another type is noticed here and not at the commit.
      const seed =
        tableFields.length > 0 ? tableFields.filter(({ name }) => !reserved.has(name)) : avroFields(catalogue[entity].schema).fields
      const rows = createRowBatch([...seed, ...bronzeColumns], recordCount(inputs))
      const system = bronzeColumns.map((each) => rows.column(each) as Column)
      const plans = new Map<number, Plan>()
      const expected = new Map<PartitionInput, number>(inputs.map((input) => [input, input.fromOffset - input.undelivered]))
      eachRecord(inputs, (record, input) => {
        const { schemaId, error } = appendFields(record, { decoder, rows, plans, watch })
        const undelivered = record.offset - (expected.get(input) ?? record.offset)
        expected.set(input, record.offset + 1)
        const values = bronzeValues(record, input, { schemaId, error, undelivered })
        for (const [index, value] of values.entries()) appendValue(system[index] as Column, value)
        rows.endRow()
        addOutcome(outcomes, input.partition, 'rows')
      })
      return { batch: rows.finish(), outcomes, deadLetters: [], accepted: () => undefined, schemaId }
    },
  }
}

const appendFields = (
  { value, oversizedBytes }: KafkaRecord,
  { decoder, rows, plans, watch }: { decoder: Decoder; rows: RowBatch; plans: Map<number, Plan>; watch: SchemaWatch },
): { schemaId: number | null; error: string | null } => {
  if (oversizedBytes !== undefined) return { schemaId: null, error: `too-large: ${tooLarge(oversizedBytes)}` }
  if (value === null) return { schemaId: null, error: null }
  const decoded = decoder.decode(value)
  if (!decoded.ok) return { schemaId: decoded.error.schemaId, error: decoded.error.message }
  const { schemaId } = decoded
  const plan =
    plans.get(schemaId) ?? planFor(decoder.writerSchema(schemaId) ?? {}, rows, watch.policy === 'discard' ? watch.appeared(schemaId) : [])
  plans.set(schemaId, plan)
  for (const { name, column, convert } of plan.targets) appendValue(column, convert(decoded.value[name] ?? null))
  // What is left out stays in the record's bytes, so that it can be had later.
  const left = plan.discarded.filter((field) => firstValueAt(decoded.value, field) !== undefined)
  const dropped = left.length === 0 ? null : `discarded: ${left.join(', ')}, as new fields are (--drift)`
  return { schemaId, error: [plan.problem, dropped].filter((each) => each !== null).join('; ') || null }
}

/** Values of `bronzeColumns`, in their order. */
const bronzeValues = (
  record: KafkaRecord,
  { topic, topicId, partition }: PartitionInput,
  { schemaId, error, undelivered }: { schemaId: number | null; error: string | null; undelivered: number },
): unknown[] => {
  const { timeMs, day } = arrival(record.timestampMs)
  return [
    topic,
    topicId,
    partition,
    record.offset,
    record.isLogAppendTime ? 'LogAppendTime' : 'CreateTime',
    record.key,
    Object.fromEntries(record.headers.map(([name, value]) => [name, value === null ? null : value.toString('utf8')])),
    schemaId,
    record.value === null ? (record.oversizedHash ?? null) : hash('sha256', record.value, 'hex'),
    error === null ? null : record.value,
    error,
    undelivered || null,
    timeMs,
    day,
  ]
}
