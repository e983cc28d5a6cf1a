import { type AvroCodec, unframeAvro } from '../../runtime/avro.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import type { KafkaRecord } from '../../runtime/kafka/record-batch.ts'
import type { Log } from '../../runtime/log.ts'
import type { Registry } from '../../runtime/registry.ts'
import { readTopicWhole } from '../sink/read-topic.ts'
import { createKeyVersions, type KeyVersions, NO_VALUE, valueDigest } from './key-versions.ts'

/** Headers of a clean record, after `readflow.`. */
export type CleanHeader = 'topic' | 'topic-id' | 'partition' | 'offset' | 'schema-id' | 'order' | 'hash'

const headerOf = ({ headers }: Pick<KafkaRecord, 'headers'>, name: CleanHeader): string | null =>
  headers.find(([each]) => each === `readflow.${name}`)?.[1]?.toString() ?? null

export interface CleanTopicReader {
  client: KafkaClient
  log: Log
  topic: string
  signal: AbortSignal
}

/** Reads everything that a read_committed subscriber receives of a clean topic as it is now, in order a partition. */
export const readCleanTopic = (of: CleanTopicReader, note: (record: KafkaRecord) => void | Promise<void>): Promise<void> =>
  readTopicWhole({
    ...of,
    group: 'readflow.clean.read',
    note,
    // What it held is not known then, and nothing may be published on a guess.
    damaged: (damage) => {
      throw damage
    },
  })

export interface HeldOptions extends CleanTopicReader {
  registry: Pick<Registry, 'schemaById'>
  /** The schema that is written now, and its id. */
  codec: AvroCodec
  schemaId: number
}

/**
 * What a clean topic holds: the last version of each key, with a digest of its value as today's schema would write it. A
 * deletion that somebody else wrote, or one of a key that is gone from the table, leaves none.
 */
export const readHeld = async ({ registry, codec, schemaId, ...of }: HeldOptions): Promise<KeyVersions> => {
  const held = createKeyVersions()
  const digestOf = valueDigests({ registry, codec, schemaId })
  await readCleanTopic(of, (record) => {
    if (record.key === null) return
    const key = record.key.toString()
    const order = headerOf(record, 'order')
    const hash = headerOf(record, 'hash')
    const version = order === null || hash === null ? goneVersion : { order: Number(order), hash }
    const value = digestOf(record.value)
    if (typeof value === 'string') held.set(key, { ...version, value })
    else return value.then((digest) => held.set(key, { ...version, value: digest }))
  })
  return held
}

/** Of a key that the topic does not hold any more: every version is newer. */
export const goneVersion = { order: Number.NEGATIVE_INFINITY, hash: '0'.repeat(32), value: NO_VALUE }

const valueDigests = ({ registry, codec, schemaId }: Pick<HeldOptions, 'registry' | 'codec' | 'schemaId'>) => {
  const decoders = new Map<number, Promise<((bytes: Buffer) => unknown) | null>>()
  const decoderOf = (writerId: number) => {
    const known = decoders.get(writerId) ?? registry.schemaById(writerId).then((writer) => writer && codec.decoderOf(writer))
    decoders.set(writerId, known)
    return known
  }
  const digestOfOlder = async (value: Buffer, framed: { schemaId: number; bytes: Buffer }): Promise<string> => {
    const decode = await decoderOf(framed.schemaId)
    try {
      return valueDigest(decode ? codec.encode(decode(framed.bytes)) : value)
    } catch {
      return valueDigest(value) // Bytes that no reader of the topic can read are to be replaced.
    }
  }
  return (value: Buffer | null): string | Promise<string> => {
    const framed = value && unframeAvro(value)
    // What is not ours differs from whatever the table has.
    if (!framed) return valueDigest(value)
    return framed.schemaId === schemaId ? valueDigest(framed.bytes) : digestOfOlder(value, framed)
  }
}
