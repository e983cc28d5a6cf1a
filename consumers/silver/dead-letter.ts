import type { OutgoingRecord } from '../../runtime/kafka/producer.ts'
import type { KafkaRecord } from '../../runtime/kafka/record-batch.ts'
import type { PartitionInput } from '../decode/batches.ts'

export interface Rejection {
  /** A rule of the entity's contract. */
  errorClass: string
  message: string
  schemaId: number | null
}

const PREFIX = 'readflow.'
const ownHeaders = new Set(
  ['error-class', 'error-message', 'topic', 'topic-id', 'partition', 'offset', 'schema-id', 'attempt'].map((name) => PREFIX + name),
)

/**
 * The dead letter of a record: its key, bytes and headers as they were, and headers that say why and where
 * it came from. The origin (topic id, partition, offset) names it; the same origin twice is one letter.
 */
export const deadLetter = (
  topic: string,
  record: KafkaRecord,
  { topic: origin, topicId, partition }: PartitionInput,
  rejection: Rejection,
): OutgoingRecord => ({
  topic,
  key: record.key === null ? null : Buffer.from(record.key),
  value: record.value === null ? null : Buffer.from(record.value),
  headers: {
    ...Object.fromEntries(
      record.headers.filter(([name]) => !ownHeaders.has(name)).map(([name, value]) => [name, value === null ? '' : Buffer.from(value)]),
    ),
    [`${PREFIX}error-class`]: rejection.errorClass,
    [`${PREFIX}error-message`]: rejection.message,
    [`${PREFIX}topic`]: origin,
    [`${PREFIX}topic-id`]: topicId,
    [`${PREFIX}partition`]: String(partition),
    [`${PREFIX}offset`]: String(record.offset),
    [`${PREFIX}schema-id`]: rejection.schemaId === null ? '' : String(rejection.schemaId),
    [`${PREFIX}attempt`]: String(attemptOf(record) + 1),
  },
})

const attemptOf = ({ headers }: KafkaRecord): number => {
  const value = headers.find(([name]) => name === `${PREFIX}attempt`)?.[1]
  return value ? Number(value.toString('utf8')) || 0 : 0
}
