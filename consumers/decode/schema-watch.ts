import { type Drift, type DriftPolicy, sampleOf } from '../../lineage/drift/drift.ts'
import type { KafkaRecord } from '../../runtime/kafka/record-batch.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import type { TopicName } from '../../schemas/records.ts'
import { eachRecord, type PartitionInput } from './batches.ts'
import type { Decoder } from './decoder.ts'
import { compareSchemas, firstValueAt, type SchemaChange } from './schema-fields.ts'

/** What a stage is to do about drift. */
export interface DriftOptions {
  policies: Partial<Record<TopicName, DriftPolicy>>
  /** Told of each finding; it is for whoever keeps them to tell those that are known. */
  found: (drift: Drift) => void
}

/** All fields are taken in, and nobody is told. */
export const evolveAll: DriftOptions = { policies: {}, found: () => undefined }

export interface Offence {
  field: string
  kind: SchemaChange['kind']
  /** What the record has there, as text. */
  value: string
}

export interface SchemaWatch {
  policy: DriftPolicy
  /** Tells of the schemas among these records that differ from ours, each schema once. Gives the newest of all their schemas. */
  look: (inputs: readonly PartitionInput[]) => number | null
  /** Fields of a schema that ours does not have. */
  appeared: (schemaId: number) => readonly string[]
  /** The first field of a record that our schema does not have, or has with another type; null where it has none. */
  offence: (schemaId: number, value: Buffer) => Offence | null
}

/** Compares the schemas that an entity's records were written with to the entity's own. */
export const createSchemaWatch = (entity: TopicName, decoder: Decoder, { policies, found }: DriftOptions): SchemaWatch => {
  const policy = policies[entity] ?? 'evolve'
  const changesById = new Map<number, readonly SchemaChange[]>()
  const told = new Set<number>()

  const changesOf = (schemaId: number): readonly SchemaChange[] => {
    const known = changesById.get(schemaId)
    if (known) return known
    const writer = decoder.writerSchema(schemaId)
    const changes = writer === null ? [] : compareSchemas(catalogue[entity].schema, writer)
    if (writer !== null) changesById.set(schemaId, changes)
    return changes
  }

  const tell = (schemaId: number, of: readonly { record: KafkaRecord; input: PartitionInput }[]) => {
    told.add(schemaId)
    const values = of.map(({ record }) => (record.value ? decoder.decodeAsWritten(record.value) : null))
    for (const change of changesOf(schemaId)) {
      const samples = change.kind === 'vanished' ? [] : values.map((value) => firstValueAt(value, change.field))
      // The first record that has a value there says most; else the first of them all.
      const at = Math.max(
        0,
        samples.findIndex((sample) => sample !== undefined),
      )
      const { record, input } = of[at]!
      found({
        ...change,
        entity,
        place: 'schema',
        policy,
        sample: sampleOf(samples[at]),
        foundMs: record.timestampMs,
        source: null,
        pollId: null,
        requestId: null,
        topic: input.topic,
        partition: input.partition,
        offset: record.offset,
        schemaId,
      })
    }
  }

  return {
    policy,
    look: (inputs) => {
      // A registry counts its schemas up: the greatest id is the newest.
      let newest: number | null = null
      const fresh = new Map<number, { record: KafkaRecord; input: PartitionInput }[]>()
      eachRecord(inputs, (record, input) => {
        const schemaId = record.value ? decoder.schemaIdOf(record.value) : null
        if (schemaId === null) return
        if (newest === null || schemaId > newest) newest = schemaId
        if (told.has(schemaId)) return
        const of = fresh.get(schemaId)
        if (of) of.push({ record, input })
        else if (changesOf(schemaId).length > 0) fresh.set(schemaId, [{ record, input }])
        else told.add(schemaId)
      })
      for (const [schemaId, of] of fresh) tell(schemaId, of)
      return newest
    },
    appeared: (schemaId) => changesOf(schemaId).flatMap(({ field, kind }) => (kind === 'appeared' ? [field] : [])),
    offence: (schemaId, value) => {
      const changes = changesOf(schemaId).filter(({ kind }) => kind !== 'vanished')
      if (changes.length === 0) return null
      const decoded = decoder.decodeAsWritten(value)
      for (const { field, kind } of changes) {
        const sample = sampleOf(firstValueAt(decoded, field))
        if (sample !== null) return { field, kind, value: sample }
      }
      return null
    },
  }
}
