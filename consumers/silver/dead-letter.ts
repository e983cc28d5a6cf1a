import { headerText, letterHeader } from '../../lineage/letters/headers.ts'
import type { OutgoingRecord } from '../../runtime/kafka/producer.ts'
import type { KafkaRecord } from '../../runtime/kafka/record-batch.ts'
import type { PartitionInput } from '../decode/batches.ts'
import { arrivalMsOf } from './arrival.ts'

export interface Rejection {
  /** A rule of the entity's contract. */
  errorClass: string
  message: string
  schemaId: number | null
}

const ownHeaders: ReadonlySet<string> = new Set(Object.values(letterHeader))

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
    ...headersOf(record),
    [letterHeader.reason]: rejection.errorClass,
    [letterHeader.message]: rejection.message,
    [letterHeader.topic]: origin,
    [letterHeader.topicId]: topicId,
    [letterHeader.partition]: String(partition),
    [letterHeader.offset]: String(record.offset),
    [letterHeader.schemaId]: rejection.schemaId === null ? '' : String(rejection.schemaId),
    [letterHeader.attempt]: String(attemptOf(record) + 1),
    [letterHeader.arrived]: String(arrivalMsOf(record)),
  },
})

/** The record's own headers. Several of one name stay several. */
const headersOf = ({ headers }: KafkaRecord): NonNullable<OutgoingRecord['headers']> => {
  const own = headers.filter(([name]) => !ownHeaders.has(name))
  return Object.fromEntries(
    [...Map.groupBy(own, ([name]) => name)].map(([name, of]) => {
      const values = of.map(([, value]) => (value === null ? '' : Buffer.from(value)))
      return [name, values.length === 1 ? values[0]! : values]
    }),
  )
}

/** How often the record was refused before, by its own word; nobody's word that makes no sense counts. */
const attemptOf = ({ headers }: KafkaRecord): number => {
  const value = headerText(headers, letterHeader.attempt)
  return value !== null && /^\d{1,6}$/.test(value) ? Number(value) : 0
}
