import type { DeliveredRecord } from '../../runtime/kafka/second/reader.ts'
import type { EntityName } from '../../schemas/records.ts'
import { letterHeader, type Position } from './headers.ts'

/** Why a record was refused, and where it came from, by the headers of its dead letter. */
export interface LetterOrigin {
  reason: string | null
  message: string | null
  topic: string | null
  topic_id: string | null
  partition: number | null
  offset: number | null
  attempt: number | null
}

type Headers = Pick<DeliveredRecord, 'headers'>

const textOf = ({ headers }: Headers, name: string) =>
  headers.find(([key]) => key?.toString('utf8') === name)?.[1]?.toString('utf8') || null

const numberOf = (of: Headers, name: string) => {
  const value = textOf(of, name)
  return value !== null && /^\d{1,15}$/.test(value) ? Number(value) : null
}

/** Reads the headers of a dead letter; what is missing is null. */
export const originOf = (of: Headers): LetterOrigin => ({
  reason: textOf(of, letterHeader.reason),
  message: textOf(of, letterHeader.message),
  topic: textOf(of, letterHeader.topic),
  topic_id: textOf(of, letterHeader.topicId),
  partition: numberOf(of, letterHeader.partition),
  offset: numberOf(of, letterHeader.offset),
  attempt: numberOf(of, letterHeader.attempt),
})

/** One refusal: a record on a topic of dead letters, without its bytes. */
export interface Letter {
  entity: EntityName
  /** Where it lies on that topic. */
  at: { partition: number; offset: number }
  /** When it was written, epoch ms. */
  refusedMs: number
  reason: string
  message: string | null
  /** Of the record that was refused. */
  topic: string
  origin: Position
  attempt: number
  /** When that record arrived first, epoch ms; null in a letter that does not say. */
  arrivedMs: number | null
  /** Null for none, and for one that is no text. */
  key: string | null
  /** Bytes of the value; null where there is none. */
  sizeBytes: number | null
}

// Of a hundred thousand letters most texts are the same few.
const known = new Map<string, string>()
const shared = (text: string): string => {
  const same = known.get(text)
  if (same !== undefined) return same
  if (known.size < 1000) known.set(text, text)
  return text
}

/** A dead letter from its record; null for what is none of Silver's. */
export const letterOf = (entity: EntityName, partition: number, record: DeliveredRecord): Letter | null => {
  const { reason, message, topic, topic_id: topicId, partition: from, offset, attempt } = originOf(record)
  if (reason === null || topic === null || topicId === null || from === null || offset === null) return null
  const { key, value } = record
  const keyText = key?.toString('utf8') ?? null
  return {
    entity,
    at: { partition, offset: record.offset },
    refusedMs: record.timestampMs,
    reason: shared(reason),
    message,
    topic: shared(topic),
    origin: { topicId: shared(topicId), partition: from, offset },
    attempt: attempt ?? 1,
    arrivedMs: numberOf(record, letterHeader.arrived),
    key: keyText === null || keyText.includes('\ufffd') ? null : keyText,
    sizeBytes: value?.length ?? null,
  }
}
